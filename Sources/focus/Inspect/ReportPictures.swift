import Images
import LlavaModel
import TokenSampling

/// The pictures of a report.
struct ReportPictures: Sendable {
  var original: Raster
  /// Each block's scale; nil where no sampler ran.
  var scales: Raster?
  /// What the question keeps of the sampled map.
  var selection: Raster
  /// What it keeps of the overview; nil where that has no tokens of its own.
  var overview: Raster?
  /// The importance at each layer of the model, over the sampled map.
  var layers: [Raster]

  /// Longer side in pixels of large pictures and of small ones.
  static let largeSide = 1000
  static let smallSide = 320

  init(_ inspected: InspectedImage) {
    let canvas = inspected.mapCanvas(inspected.photo)
    let (map, overview) = (inspected.mapTokens, inspected.overviewTokens)
    original = inspected.photo
    scales = inspected.scales.map { scales in
      canvas.painted(Self.tints(scales), outside: Self.dropped, outline: Color(red: 24, green: 24, blue: 24))
    }
    let (importance, isKept) = (inspected.importance, inspected.isKept)
    let tints = Self.tints(importance, isKept)
    selection = canvas.painted(Array(tints[map]), outside: Self.dropped)
    self.overview =
      inspected.hasOverview
      ? inspected.overviewCanvas(inspected.smallPhoto).painted(Array(tints[overview]), outside: Self.dropped)
      : nil
    let small = inspected.mapCanvas(inspected.smallPhoto)
    layers = inspected.inspection.importance.map { importance in
      small.painted(Self.tints(Array(importance[map])), outside: Self.dropped)
    }
  }

  /// The pictures with the names of their files.
  var named: [(name: String, raster: Raster)] {
    let digits = String(layers.count).count
    return [("original", original)] + (scales.map { [("scales", $0)] } ?? []) + [("selection", selection)]
      + (overview.map { [("overview", $0)] } ?? [])
      + layers.enumerated().map { index, raster in
        let number = String(index + 1)
        return ("layer-" + String(repeating: "0", count: digits - number.count) + number, raster)
      }
  }

  // MARK: Tints

  static func color(ofScale scale: Int) -> Color {
    let place = ScaleMap.scales.firstIndex(of: scale) ?? 0
    return Viridis.color(at: 1 - Double(place) / Double(ScaleMap.scales.count - 1))
  }

  /// From 0 to 1 the brighter part of the map, so that what is kept never looks dropped.
  static func keptColor(_ share: Double) -> Color { Viridis.color(at: 0.35 + 0.65 * share) }

  private static let dropped = TokenCanvas.Tint(
    color: Color(red: 0, green: 0, blue: 0), opacity: 0, saturation: 0, brightness: 0.25)

  /// One for each token that the blocks leave.
  private static func tints(_ scales: ScaleMap) -> [TokenCanvas.Tint] {
    scales.scales.enumerated().flatMap { block, scale in
      Array(
        repeating: TokenCanvas.Tint(color: color(ofScale: Int(scale)), opacity: 0.5, saturation: 0.3),
        count: scales.blocks.tokens(ofBlock: block, scale: Int(scale)))
    }
  }

  /// Kept tokens in the image's colours under their importance, dropped ones dark.
  private static func tints(_ importance: [Float], _ isKept: [Bool]) -> [TokenCanvas.Tint] {
    let heat = HeatScale(zip(importance, isKept).filter(\.1).map(\.0))
    return zip(importance, isKept).map { value, isKept in
      isKept ? TokenCanvas.Tint(color: keptColor(heat.share(of: value)), opacity: 0.5) : dropped
    }
  }

  /// Importance over the grey image.
  private static func tints(_ importance: [Float]) -> [TokenCanvas.Tint] {
    let heat = HeatScale(importance)
    return importance.map {
      TokenCanvas.Tint(color: heat.color(of: $0), opacity: 0.7, saturation: 0)
    }
  }
}
