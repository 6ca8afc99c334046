import Testing

@testable import TokenSampling

/// Where tokens come from: in the map, and in the image.
@Suite struct TokenPlacesTests {
  /// A map whose tokens say where they are: channel 0 is the column, channel 1 the row.
  private func map(_ columns: Int, _ rows: Int) -> FeatureMap {
    let size = GridSize(columns: columns, rows: rows)
    return FeatureMap(
      features: (0..<size.count).flatMap { [Float($0 % max(1, columns)), Float($0 / max(1, columns))] },
      size: size, channels: 2)
  }

  private func image(_ columns: Int, _ rows: Int, overview: Int) -> EncodedImage {
    EncodedImage(overview: map(overview, overview), local: map(columns, rows), isTiled: true)
  }

  /// The mean of a window's places.
  private func centre(_ window: TokenWindow) -> [Float] {
    func mean(_ range: Range<Int>) -> Float { Float(range.lowerBound + range.upperBound - 1) / 2 }
    return [mean(window.columns), mean(window.rows)]
  }

  @Test(arguments: [
    (columns: 9, rows: 6, overview: 5), (4, 4, 4), (1, 7, 3), (13, 2, 6), (0, 0, 8), (24, 17, 24),
  ])
  func everyTokenIsTheMeanOfItsWindow(columns: Int, rows: Int, overview: Int) throws {
    let sampler = VisionGuidedSampler(overviewScale: 2)
    let image = image(columns, rows, overview: overview)
    let blocks = sampler.blocks(of: image)
    let mixed = ScaleMap(blocks: blocks) { $0 % 3 }
    for scales in [mixed, ScaleMap(blocks: blocks) { _ in 0 }, nil] {
      let tokens = sampler.compress(image, by: scales)
      let places = sampler.places(
        overview: image.overview.size, hasOverviewTokens: image.hasOverviewTokens, map: image.sampled.size,
        scales: tokens.scales)
      #expect(places.overview.windows.count == tokens.overviewTokens)
      let windows = places.overview.windows + places.map.windows
      try #require(windows.count * 2 == tokens.features.count && windows.count == places.tokenCount)
      for (token, window) in windows.enumerated() {
        #expect(Array(tokens.features[2 * token..<2 * token + 2]) == centre(window))
      }
      // Each place of the map has one owner.
      let owners = places.map.owners
      #expect(owners.allSatisfy { places.map.windows.indices.contains($0) })
      #expect(Set(owners).count == places.map.windows.count)
    }
  }

  /// An overview of 4 × 4 and a map of 8 × 4, of which one block is whole and one is pooled to a token.
  @Test func placesAreAddedToWhatIsCompressed() throws {
    // The first channel is told the column and the width, the second the row and whether it is the overview's.
    let place = try #require(PlaceEmbedding(weight: [1, 0, 10, 0, 0, 0, 1, 0, 0, 100], channels: 2))
    let plain = VisionGuidedSampler(overviewScale: 2)
    let told = VisionGuidedSampler(overviewScale: 2, place: place)
    let image = image(8, 4, overview: 4)
    let scales = ScaleMap(blocks: plain.blocks(of: image)) { $0 == 0 ? 0 : 2 }
    let added = zip(
      told.compress(image, by: scales).features, plain.compress(image, by: scales).features
    ).map { $0 - $1 }
    let tokens = stride(from: 0, to: added.count, by: 2).map { Array(added[$0..<$0 + 2]) }
    #expect(tokens.count == 4 + 16 + 1)
    #expect(tokens[..<4] == [[9.5, 99.5], [10.5, 99.5], [9.5, 100.5], [10.5, 100.5]])
    #expect(tokens[4] == [-0.875 + 2.5, -0.75] && tokens[7] == [-0.125 + 2.5, -0.75])
    #expect(tokens[19] == [-0.125 + 2.5, 0.75])
    #expect(tokens[20] == [0.5 + 10, 0])
    // What is not compressed tells its places by its order.
    for scales in [nil, ScaleMap(blocks: plain.blocks(of: image)) { _ in 0 }] {
      #expect(told.compress(image, by: scales) == plain.compress(image, by: scales))
    }
    #expect(PlaceEmbedding(weight: [1, 2, 3, 4], channels: 1) == nil)
    #expect(PlaceEmbedding(weight: [1, 2, .infinity, 4, 5], channels: 1) == nil)
  }

  @Test func aWideImageLiesInTheMiddleOfItsSquare() {
    let image = PixelSize(width: 640, height: 427)
    let square = PixelRectangle(squareAround: image)
    #expect(square == PixelRectangle(x: 0, y: -106, width: 640, height: 640))
    #expect(PixelRectangle(squareAround: PixelSize(width: 3, height: 10)).x == -3)

    let placement = GridPlacement(tileOf: square, TileSides(tile: 336, patch: 14))
    #expect(placement.grid == GridSize(columns: 24, rows: 24))
    let token = placement.rectangle(of: TokenWindow(columns: 0..<2, rows: 4..<6))
    #expect(abs(token.width - 640 / 12) < 1e-9 && abs(token.y - (640 / 6 - 106)) < 1e-9)
    #expect(placement.place(x: 0, y: 0) == 3 * 24)
    #expect(placement.place(x: 639, y: 426) == 19 * 24 + 23)
    #expect(placement.place(x: 0, y: -107) == nil && placement.place(x: 641, y: 0) == nil)
  }

  /// A tile of 384 pixels has 27 patches of 14: its last 6 pixels are not seen.
  @Test func whatIsLeftOfATileBelongsToNoToken() {
    let image = PixelSize(width: 384, height: 384)
    let placement = GridPlacement(tileOf: PixelRectangle(image), TileSides(tile: 384, patch: 14))
    #expect(placement.frame.width == 378)
    #expect(placement.place(x: 377.5, y: 0) == 26 && placement.place(x: 378.5, y: 0) == nil)
  }

  /// From the image to its canvas pixel, from there to the token of the padded map, without the padding rows.
  @Test(arguments: [
    PixelSize(width: 451, height: 300), PixelSize(width: 300, height: 451),
    PixelSize(width: 640, height: 427),
    PixelSize(width: 1000, height: 130), PixelSize(width: 33, height: 1000),
    PixelSize(width: 672, height: 672),
    PixelSize(width: 700, height: 200), PixelSize(width: 5, height: 4), PixelSize(width: 4000, height: 2999),
  ])
  func anUnpaddedMapIsPlacedAsItsTilesWere(_ image: PixelSize) {
    let pinpoints = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)].map {
      PixelSize(width: $0.0, height: $0.1)
    }
    let sides = TileSides(tile: 336, patch: 14)
    let placement = GridPlacement(mapOf: image, among: pinpoints, sides)
    let canvas = AnyResolution.bestPinpoint(for: image, among: pinpoints)
    let fitted = AnyResolution.fittedSize(of: image, in: canvas)
    let region = AnyResolution.unpaddedRegion(
      of: GridSize(columns: canvas.width / 14, rows: canvas.height / 14), image: image)
    #expect(placement.grid == GridSize(columns: region.columns.count, rows: region.rows.count))
    var seen = 0
    for step in 0..<400 {
      let x = (Double(step % 20) + 0.31) / 20 * Double(image.width)
      let y = (Double(step / 20) + 0.77) / 20 * Double(image.height)
      let canvasX = x / Double(image.width) * Double(fitted.width) + Double((canvas.width - fitted.width) / 2)
      let canvasY =
        y / Double(image.height) * Double(fitted.height) + Double((canvas.height - fitted.height) / 2)
      let (column, row) = (Int(canvasX / 14), Int(canvasY / 14))
      let expected =
        region.columns.contains(column) && region.rows.contains(row)
        ? (row - region.rows.lowerBound) * region.columns.count + column - region.columns.lowerBound : nil
      #expect(placement.place(x: x, y: y) == expected)
      if expected != nil { seen += 1 }
    }
    #expect(seen > 300)
    // Less than a token is missing at either edge.
    let (token, frame) = (placement.rectangle(of: TokenWindow(columns: 0..<1, rows: 0..<1)), placement.frame)
    #expect(frame.x < token.width && frame.x + frame.width > Double(image.width) - token.width)
    #expect(frame.y < token.height && frame.y + frame.height > Double(image.height) - token.height)
  }
}
