/// Where a compressed image's tokens come from, in the order of its tokens: the overview's first, then the sampled
/// map's. Newline rows have no place.
public struct TokenPlaces: Sendable, Equatable {
  /// No windows where the overview has no tokens of its own.
  public let overview: TokenGrid
  public let map: TokenGrid

  public init(overview: TokenGrid, map: TokenGrid) {
    self.overview = overview
    self.map = map
  }

  public var tokenCount: Int { overview.windows.count + map.windows.count }
}

/// A grid of visual tokens as the vision tower made them, and the windows that sampling made tokens of.
public struct TokenGrid: Sendable, Equatable {
  /// Before sampling.
  public let size: GridSize
  /// For each sampled token the tokens it stands for; no two overlap.
  public let windows: [TokenWindow]

  public init(size: GridSize, windows: [TokenWindow]) {
    self.size = size
    self.windows = windows
  }

  /// The grid pooled by `scale` × `scale`.
  public init(size: GridSize, scale: Int) {
    self.init(size: size, windows: TokenWindow(size).parts(scale: scale))
  }

  /// The grid pooled block by block.
  public init(_ scales: ScaleMap) {
    let blocks = scales.blocks
    self.init(
      size: blocks.map,
      windows: (0..<blocks.count).flatMap { blocks.window(ofBlock: $0).parts(scale: Int(scales.scales[$0])) })
  }

  /// For each place of the grid, in raster order, the index of the window that covers it; -1 where none does.
  public var owners: [Int] {
    var owners = [Int](repeating: -1, count: size.count)
    for (index, window) in windows.enumerated() {
      for row in window.rows {
        for column in window.columns { owners[row * size.columns + column] = index }
      }
    }
    return owners
  }
}

extension VisionGuidedSampler {
  /// Where the tokens come from that `compress` makes of an image.
  ///
  /// - Parameters:
  ///   - overview: the overview's size in tokens.
  ///   - hasOverviewTokens: whether it stands before the sampled map.
  ///   - map: the sampled map's size.
  public func places(
    overview: GridSize, hasOverviewTokens: Bool, map: GridSize, scales: ScaleMap?
  ) -> TokenPlaces {
    let pooling = scales.flatMap { $0.isPlain ? nil : $0 }
    return TokenPlaces(
      overview: hasOverviewTokens
        ? TokenGrid(size: overview, scale: pooling == nil ? 1 : overviewScale)
        : TokenGrid(size: overview, windows: []),
      map: pooling.map { TokenGrid($0) } ?? TokenGrid(size: map, scale: 1))
  }
}
