import Answering
import Foundation
import Images
import TokenSampling

/// A report as one HTML page that needs nothing else: pictures are inside, and there are no scripts.
struct ReportPage {
  private let inspected: InspectedImage
  private let pictures: ReportPictures
  /// PNG files by the pictures' names.
  private let encoded: [String: Data]

  init(_ inspected: InspectedImage, _ pictures: ReportPictures, encoded: [String: Data]) {
    self.inspected = inspected
    self.pictures = pictures
    self.encoded = encoded
  }

  /// Whatever slipped through the escaping could load and run nothing.
  private static let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

  var html: String {
    let page: Markup = """
      \(Markup(stringLiteral: ReportFiles.pageStart))
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(String(inspected.question.prefix(80))) – \(inspected.name)</title>
      <style>
      \(ReportStyle.css)
      </style>
      </head>
      <body>
      <main>
      <div class="top">
      <div>
      <header>
      <h1 dir="auto">\(inspected.question)</h1>
      </header>
      \(answer)
      \(ReportLedger(inspected).section)
      </div>
      \(original)
      </div>
      \(tokens)
      \(layers)
      \(ReportDetails(inspected).section)
      </main>
      </body>
      </html>

      """
    return page.text
  }

  private var answer: Markup {
    let answer = inspected.inspection.answer
    let cut = answer.finishReason == .length ? ", cut at --max-tokens or the model's context" : ""
    return """
      <section aria-label="Answer">
      <blockquote dir="auto">\(answer.text.isEmpty ? "(an empty answer)" : answer.text)</blockquote>
      <p class="soft">\(answer.promptTokens) prompt and \(answer.completionTokens) answer tokens\(cut)</p>
      </section>
      """
  }

  // MARK: Pictures

  private var tokens: Markup {
    """
    <section>
    <h2>What is kept of the image</h2>
    \(inspected.scales == nil ? notCompressed : "")
    <div class="figures">
    \(scales)
    \(selection)
    \(overview)
    </div>
    </section>
    """
  }

  private var original: Markup {
    figure(
      "original", pictures.original, alt: "The image itself.",
      caption: """
        <bdi>\(inspected.name)</bdi>, \(inspected.size.width) × \(inspected.size.height) pixels
        """)
  }

  private var notCompressed: Markup {
    "<p>No vision-guided sampling: the image was not compressed, and every token of the vision tower goes on.</p>"
  }

  private var scales: Markup {
    guard let map = inspected.scales, let raster = pictures.scales else { return "" }
    let counts = ScaleMap.scales.map { scale in
      let blocks = map.scales.indices.filter { Int(map.scales[$0]) == scale }
      return (
        scale: scale, blocks: blocks.count,
        tokens: blocks.reduce(0) { $0 + map.blocks.tokens(ofBlock: $1, scale: scale) }
      )
    }
    let legend: [Markup] = counts.map { scale, blocks, tokens in
      """
      <li>\(swatch(ReportPictures.color(ofScale: scale)))scale \(scale): \(ProgressText.count(blocks, "block")), \
      \(ProgressText.count(tokens, "token"))</li>
      """
    }
    let alt = counts.map { "\($0.blocks) at scale \($0.scale)" }.joined(separator: ", ")
    return figure(
      "scales", raster, alt: "The scale map over the image. Blocks: \(alt).",
      caption: """
        <strong>Scale map</strong>: how far the vision-guided sampler pooled each block of \(map.blocks.side) × \
        \(map.blocks.side) tokens. Lines part the tokens that are left. At scale 1 nothing is pooled; at scale 4 up to \
        sixteen tokens are one.
        <ul class="legend">\(legend)\(inspected.mapCutsEdges ? cut : "")</ul>
        """)
  }

  private var selection: Markup {
    let ledger = inspected.inspection.ledger
    let layer = inspected.inspection.selectionLayer
    let isSelected = inspected.inspection.kept != nil
    let lead: Markup =
      isSelected
      ? "<strong>Selection</strong>: bright is what the question keeps above layer \(layer), dark what it drops."
      : "<strong>Importance</strong> at layer \(layer). No text-guided selection: the question keeps every token."
    return figure(
      "selection", pictures.selection,
      alt: isSelected
        ? "The selection heatmap over the image: \(ledger.selected) of \(ledger.compressed) tokens are kept."
        : "A heatmap of the tokens' importance over the image; all are kept.",
      caption: """
        \(lead) \(isSelected && inspected.hasOverview ? "These are the tokens of the tiles." : "")
        <ul class="legend"><li>\(ramp(ReportPictures.keptColor))</li>\(isSelected ? dropped : "")</ul>
        """)
  }

  private var overview: Markup {
    guard let raster = pictures.overview else { return "" }
    let range = inspected.overviewTokens
    let kept = inspected.isKept[range].count { $0 }
    return figure(
      "overview", raster, kind: "small",
      alt: "The same for the overview's tokens: \(kept) of \(range.count) are kept.",
      caption: """
        <strong>Overview</strong>: the tokens of the whole image seen as one tile. Kept: \(kept) of \(range.count).
        """)
  }

  private var layers: Markup {
    let importance = inspected.inspection.importance
    // Where nothing is selected no layer is the one that selects.
    let chosen = inspected.inspection.kept == nil ? nil : inspected.inspection.selectionLayer - 1
    let figures: [Markup] = zip(importance, pictures.named.suffix(importance.count)).enumerated().map {
      index, layer in
      let (importance, picture) = layer
      let mark: Markup = index == chosen ? " (selection)" : ""
      // Only the mean over heads is a share of one whole.
      let share: Markup =
        inspected.inspection.heads == .mean
        ? "<br>\(percent(Double(importance.reduce(0, +)))) on the image" : ""
      return figure(
        picture.name, picture.raster, kind: index == chosen ? "chosen" : "",
        alt: "The tokens' importance at layer \(index + 1) over the image.",
        caption: "<strong>Layer \(index + 1)</strong>\(mark)\(share)")
    }
    return """
      <section>
      <h2>Importance by layer</h2>
      <p class="soft">How much the question's words attend to each token of the image\
      \(inspected.hasOverview ? "'s tiles" : ""), with nothing dropped below. Each layer has its own colours, \
      \(ramp(Viridis.color(at:))); its brightest two in a hundred tokens look alike.\
      \(inspected.inspection.heads == .mean ? " The shares say how much of all attention goes to the image." : "")</p>
      <div class="layers">
      \(figures)
      </div>
      </section>
      """
  }

  // MARK: Parts

  private func figure(
    _ name: String, _ raster: Raster, kind: String = "", alt: String, caption: Markup
  ) -> Markup {
    let data = (encoded[name] ?? Data()).base64EncodedString()
    return """
      <figure\(kind.isEmpty ? "" : Markup(stringLiteral: " class=\"\(kind)\""))>
      <img src="data:image/png;base64,\(Markup(stringLiteral: data))" width="\(raster.size.width)" \
      height="\(raster.size.height)" alt="\(alt)">
      <figcaption>\(caption)</figcaption>
      </figure>
      """
  }

  private func swatch(_ color: Color) -> Markup {
    "<span class=\"swatch\" style=\"background: \(color.css)\" aria-hidden=\"true\"></span>"
  }

  private static let dark = Color(red: 32, green: 32, blue: 32)

  private var dropped: Markup { "<li>\(swatch(Self.dark))dropped</li>" }

  private var cut: Markup { "<li>\(swatch(Self.dark))edge that the overview alone shows</li>" }

  private func ramp(_ color: (Double) -> Color) -> Markup {
    let stops = (0...8).map { color(Double($0) / 8).css }.joined(separator: ", ")
    return """
      low<span class="ramp" style="background: linear-gradient(to right, \(stops))" aria-hidden="true"></span>high \
      importance
      """
  }
}

/// A share with one decimal, as in `38.9 %`.
func percent(_ share: Double) -> String {
  let tenths = (share.isFinite ? share * 1000 : 0).rounded()
  return "\(tenths / 10) %"
}
