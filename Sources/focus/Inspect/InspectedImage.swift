import Answering
import Images
import LlavaModel
import TokenSampling

/// All that is shown of one image and one question about it.
struct InspectedImage: Sendable {
  /// As it was named on the command line.
  var name: String
  var sha256: String
  /// Upright, before it was scaled down for the page.
  var size: PixelSize
  /// Scaled down for large pictures, and for small ones.
  var photo: Raster
  var smallPhoto: Raster
  var rules: TilingRules
  var tiles: Int
  var scales: ScaleMap?
  var question: String
  var inspection: Inspection
  var model: ModelIdentity
  var promptName: String
  var timings: StageTimings

  /// The importance that the question selects by.
  var importance: [Float] {
    let layers = inspection.importance
    return layers.indices.contains(inspection.selectionLayer - 1)
      ? layers[inspection.selectionLayer - 1] : []
  }

  /// For each compressed token, whether the question keeps it.
  var isKept: [Bool] {
    guard let kept = inspection.kept else { return importance.map { _ in true } }
    var isKept = [Bool](repeating: false, count: inspection.places.tokenCount)
    for token in kept { isKept[token] = true }
    return isKept
  }

  var hasOverview: Bool { !inspection.places.overview.windows.isEmpty }

  /// Compressed tokens of the overview, which come first, and of the sampled map.
  var overviewTokens: Range<Int> { 0..<inspection.places.overview.windows.count }
  var mapTokens: Range<Int> { inspection.places.overview.windows.count..<inspection.places.tokenCount }

  /// Whether the sampled map leaves edges of the image out: LLaVA-NeXT cuts whole tokens off with the padding.
  var mapCutsEdges: Bool {
    let frame = mapPlacement.frame
    return frame.x > 1 || frame.y > 1 || frame.x + frame.width < Double(size.width) - 1
      || frame.y + frame.height < Double(size.height) - 1
  }

  private var mapPlacement: GridPlacement { rules.mapPlacement(on: size, isOverview: !hasOverview) }

  func mapCanvas(_ photo: Raster) -> TokenCanvas {
    TokenCanvas(
      photo: photo, image: size, region: hasOverview ? PixelRectangle(size) : rules.overviewRegion(of: size),
      padding: padding, tokens: inspection.places.map, placement: mapPlacement)
  }

  func overviewCanvas(_ photo: Raster) -> TokenCanvas {
    TokenCanvas(
      photo: photo, image: size, region: rules.overviewRegion(of: size), padding: padding,
      tokens: inspection.places.overview, placement: rules.overviewPlacement(on: size))
  }

  private var padding: Color {
    let color = rules.paddingColor ?? []
    guard color.count == 3 else { return Color(red: 0, green: 0, blue: 0) }
    return Color(red: color[0], green: color[1], blue: color[2])
  }
}
