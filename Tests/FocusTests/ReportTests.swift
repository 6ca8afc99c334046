import Adversary
import Answering
import Foundation
import Images
import TokenSampling
import Testing

@testable import LlavaModel
@testable import focus

@Suite("Reports of focus inspect")
struct ReportTests {
  private static let black = Color(red: 0, green: 0, blue: 0)

  /// An image of 8 × 4 pixels for a one-tile model of 4 × 4 tokens, of which a question keeps the upper half.
  private func inspected(
    question: String = "What is this?", answer: String = "A cat.", name: String = "cat.jpg",
    scales: ScaleMap? = nil, kept: [Int]? = Array(0..<8)
  ) -> InspectedImage {
    let size = PixelSize(width: 8, height: 4)
    let photo = Raster(size: size, pixels: Array(repeating: 200, count: 3 * size.width * size.height))
    let map = GridSize(columns: 4, rows: 4)
    let places = VisionGuidedSampler().places(
      overview: map, hasOverviewTokens: false, map: map, scales: scales)
    let importance = (0..<places.tokenCount).map { Float($0) / 1000 }
    let ledger = TokenLedger(
      encoded: 16, compressed: places.tokenCount, selected: kept?.count ?? places.tokenCount,
      scales: scales?.histogram ?? [:], selection: kept == nil ? .none : .prune,
      selectionLayer: kept == nil ? nil : 2)
    return InspectedImage(
      name: name, sha256: "00", size: size, photo: photo, smallPhoto: photo,
      rules: TilingRules(tileSize: 8, patchSize: 2, paddingColor: [10, 20, 30]), tiles: 1, scales: scales,
      question: question,
      inspection: Inspection(
        answer: Answer(text: answer, finishReason: .stop, promptTokens: 20, completionTokens: 3),
        ledger: ledger, prefillMilliseconds: 5, decodeMilliseconds: 1500, places: places, kept: kept,
        importance: [importance, importance, importance], selectionLayer: 2, heads: .mean,
        amount: kept == nil ? nil : .ratio(0.5), sampler: VisionGuidedSampler(budget: 0.39),
        routerIsLearned: false),
      model: ModelIdentity(name: "tiny", fingerprint: "ff"), promptName: "llava-1.5", timings: StageTimings())
  }

  private func page(_ inspected: InspectedImage) -> String {
    let pictures = ReportPictures(inspected)
    let encoded = Dictionary(uniqueKeysWithValues: pictures.named.map { ($0.name, Data($0.name.utf8)) })
    return ReportPage(inspected, pictures, encoded: encoded).html
  }

  @Test("Text from outside stays text")
  func hostileText() {
    let hostile = "</style></h1><script>alert('1')</script>\" onerror=\"x\u{0}\u{1B}[2J&amp; 日本"
    let page = page(inspected(question: hostile, answer: hostile, name: "\"><img src=http://x>.jpg"))
    #expect(!page.contains("<script") && !page.contains("\u{1B}") && !page.contains("\u{0}"))
    #expect(!page.contains("<img src=http") && !page.contains("\" onerror"))
    #expect(page.contains("&lt;/style&gt;&lt;/h1&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;"))
    #expect(page.contains("&amp;amp; 日本"))
    // Five pictures, all of them inside.
    #expect(page.components(separatedBy: "<img").count == 6)
    #expect(page.components(separatedBy: "<img src=\"data:image/png;base64,").count == 6)
  }

  @Test("Without samplers the page says so")
  func noSampler() {
    let page = page(inspected(kept: nil))
    #expect(page.contains("No vision-guided sampling") && page.contains("No text-guided selection"))
    #expect(page.contains("Not compressed. Nothing was selected"))
    #expect(!page.contains("Scale map") && !page.contains("class=\"chosen\""))
  }

  @Test("With both, it holds the counts and marks the selection layer")
  func bothSamplers() throws {
    let blocks = BlockGrid(map: GridSize(columns: 4, rows: 4), side: 2)
    let scales = try #require(ScaleMap(blocks: blocks, scales: [1, 2, 2, 1]))
    let page = page(inspected(scales: scales, kept: [0, 1, 4]))
    for text in [
      "scale 1: 2 blocks, 8 tokens", "scale 2: 2 blocks, 2 tokens", "scale 4: 0 blocks, 0 tokens",
      "Selected at layer 2, by prune.", "3 of 10 tokens are kept", "62.5 %", "18.8 %",
      "prune at layer 2 of 3",
      "data:image/png;base64," + Data("layer-3".utf8).base64EncodedString(), "decode 0 ms",
    ] { #expect(page.contains(text), "\(text)") }
    #expect(page.components(separatedBy: "class=\"chosen\"").count == 2)
    #expect(page.hasPrefix(ReportFiles.pageStart))
  }

  @Test("The padded square is shown, what is kept bright in it and the rest dark")
  func pixels() {
    let pictures = ReportPictures(inspected())
    func pixel(_ raster: Raster, _ column: Int, _ row: Int) -> [UInt8] {
      let start = 3 * (row * raster.size.width + column)
      return Array(raster.pixels[start..<start + 3])
    }
    #expect(pictures.original.size == PixelSize(width: 8, height: 4))
    let selection = pictures.selection
    #expect(selection.size == PixelSize(width: 8, height: 8))
    // The image lies in rows 2 to 5; the question keeps the tokens of rows 0 to 3, and with each the next is brighter.
    #expect(pixel(selection, 0, 6) == [4, 4, 4] && pixel(selection, 0, 4) == [50, 50, 50])
    let kept = pixel(selection, 7, 3).map(Int.init)
    #expect(kept[0] > 200 && kept[1] > 190 && kept[2] < 130, "\(kept)")
    #expect(pixel(selection, 0, 2) != pixel(selection, 2, 2))
    #expect(pictures.layers.count == 3 && pictures.layers[0].size == selection.size)
    #expect(pictures.named.map(\.name) == ["original", "selection", "layer-1", "layer-2", "layer-3"])
  }

  @Test("A thin image makes no large picture")
  func thinImage() {
    let size = PixelSize(width: 1, height: 60_000)
    let photo = Raster(
      size: PixelSize(width: 1, height: 300), pixels: Array(repeating: 1, count: 900))
    let canvas = TokenCanvas(
      photo: photo, image: size, region: PixelRectangle(squareAround: size), padding: Self.black,
      tokens: TokenGrid(size: GridSize(columns: 2, rows: 2), scale: 1),
      placement: GridPlacement(
        grid: GridSize(columns: 2, rows: 2), frame: PixelRectangle(squareAround: size)))
    #expect(canvas.size == PixelSize(width: 300, height: 300))
  }

  @Test("Colours go evenly from dark to bright, and the few highest values share the brightest")
  func colours() {
    #expect(Viridis.color(at: 0).css == "#440154" && Viridis.color(at: 1).css == "#fde725")
    #expect(Viridis.color(at: -.infinity) == Viridis.color(at: 0))
    #expect(Viridis.color(at: .nan) == Viridis.color(at: 0) && Viridis.color(at: 7) == Viridis.color(at: 1))
    let scale = HeatScale((0..<99).map(Float.init) + [1e6])
    #expect(scale.share(of: 0) == 0 && scale.share(of: 1e6) == 1 && scale.share(of: 49) == 0.5)
    for same in [HeatScale([]), HeatScale([2, 2])] { #expect(same.share(of: 2) == 0) }
    #expect(percent(0.38947) == "38.9 %" && percent(.nan) == "0.0 %")
  }

  @Test("A report replaces an earlier report and nothing else")
  func files() throws {
    let folder = try TemporaryFolder()
    try folder.write("{\"job_id\": 1}\n", to: "results.jsonl")
    try folder.write("", to: "empty.html")
    func files(_ page: String?, _ pictures: String? = nil, image: String = "cat.jpg") throws -> ReportFiles {
      try ReportFiles(
        page: page.map(folder.path), pictures: pictures.map(folder.path), image: image)
    }
    for (page, pictures) in [(nil, nil), ("results.jsonl", nil), ("", nil), ("no/such.html", nil)]
      + [(nil, "results.jsonl")] as [(String?, String?)]
    {
      let failure = #expect(throws: Failure.self) { try files(page, pictures) }
      #expect(failure?.status == .unusableArguments)
    }
    let report = try files("empty.html", "pictures")
    for text in ["one", "two"] {
      let data = Data("\(ReportFiles.pageStart)\(text)".utf8)
      try report.write(data, to: folder.path("empty.html"), replacing: ReportFiles.isPage)
    }
    #expect(try folder.read("empty.html").hasSuffix("two"))
    // What came to be meanwhile is not replaced either.
    try folder.write("notes", to: "empty.html")
    #expect(throws: Failure.self) {
      try report.write(Data(), to: folder.path("empty.html"), replacing: ReportFiles.isPage)
    }

    try report.makePictureFolder()
    try folder.write("notes", to: "pictures/cat-scales.png")
    #expect(throws: Failure.self) {
      try report.write(Data(), to: report.path(ofPicture: "scales"), replacing: ReportFiles.isPNG)
    }
    for (image, name) in [
      ("https://host/a b.jpg?key=1", "a-b-x.png"), ("dir.d/über.v2.png", "über.v2-x.png"),
      ("?", "image-x.png"),
      ("/tmp/..", "image-x.png"), ("photo", "photo-x.png"), ("", "image-x.png"),
    ] {
      let path = try files(nil, "pictures", image: image).path(ofPicture: "x")
      #expect(path == folder.path("pictures/" + name))
    }
  }
}
