import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// `focus inspect` on photographs and tiny models.
  @Suite struct InspectTests {
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg", "orientation6.jpg"])
    }

    private func inspect(
      _ image: String, model: String = "llava-next-gqa", question: String = "What is <i>this</i>?",
      _ more: [String]
    ) async throws -> FocusRun.Ending {
      try await FocusRun(
        [
          "inspect", "--model", Package.model(model), "--threads", "1", "--max-tokens", "6",
          folder.path(image), question,
        ] + more, in: folder
      ).end()
    }

    @Test(arguments: ["llava-next-gqa", "llava-1.5-gqa"]) func thePageHoldsPicturesAndLedger(
      _ model: String
    ) async throws {
      let ending = try await inspect(
        "cat.jpg", model: model, ["--output", folder.path("a.html"), "--png", folder.path("pictures")])
      #expect(ending.status == 0, "\(ending.errors)")
      let page = try folder.read("a.html")
      let hasOverview = model == "llava-next-gqa"
      let names =
        ["original", "scales", "selection"] + (hasOverview ? ["overview"] : [])
        + (1...4).map { "layer-\($0)" }
      #expect(page.components(separatedBy: "<img src=\"data:image/png;base64,").count == names.count + 1)
      for name in names {
        let picture = try folder.data("pictures/cat-\(name).png")
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        #expect(page.contains(picture.base64EncodedString()), "\(name)")
      }
      for text in [
        "encoded", "compressed", "selected", "What is &lt;i&gt;this&lt;/i&gt;?", "451 × 300", "Layer 4",
        "Selected at layer 1, by prune.", "scale 4:", "random LLaVA language model",
      ] { #expect(page.contains(text), "\(text)") }
      #expect(!page.contains("<script") && !page.contains("<i>this"))
    }

    @Test func theAnswerIsTheOneOfAsk() async throws {
      let output = Pipe()
      let model = Package.model("llava-next-gqa")
      let asked = try FocusRun(
        [
          "ask", "--model", model, "--threads", "1", "--max-tokens", "6", "--answer-only",
          folder.path("cat.jpg"), "Who?",
        ], in: folder, output: output)
      #expect(await asked.end().status == 0)
      try output.fileHandleForWriting.close()
      let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      let ending = try await inspect("cat.jpg", question: "Who?", ["--output", folder.path("a.html")])
      #expect(ending.status == 0, "\(ending.errors)")
      let page = try folder.read("a.html")
      let shown = page.components(separatedBy: "<blockquote dir=\"auto\">").last?
        .components(separatedBy: "</blockquote>").first
      #expect(try #require(shown).filter { !$0.isWhitespace } == answer.filter { !$0.isWhitespace })
    }

    @Test func everyTokenIsShownWhereNothingIsSampled() async throws {
      let ending = try await inspect(
        "orientation6.jpg",
        ["--output", folder.path("a.html"), "--selection", "none", "--compression", "none"])
      #expect(ending.status == 0, "\(ending.errors)")
      let page = try folder.read("a.html")
      #expect(page.contains("No text-guided selection") && page.contains("No vision-guided sampling"))
      #expect(page.contains("32 × 16") && !page.contains("Scale map"))
    }

    @Test func whatCannotBeReadOrWrittenIsNamed() async throws {
      try folder.write("no image", to: "text.jpg")
      try folder.write("{}", to: "results.jsonl")
      let page = ["--output", folder.path("a.html")]
      let rows: [(image: String, more: [String], status: Int32, named: String)] = [
        ("none.jpg", page, 2, "none.jpg: no such file"),
        ("text.jpg", page, 1, "image_unsupported"),
        ("cat.jpg", [], 2, "no place for the report"),
        ("cat.jpg", ["--output", folder.path("no/a.html")], 2, "there is no folder"),
        ("cat.jpg", ["--output", folder.path("results.jsonl")], 2, "is no earlier report"),
        ("cat.jpg", ["--output", folder.path("cat.jpg")], 2, "is no earlier report"),
        ("cat.jpg", ["--output", "-"], 2, "needs a file"),
        ("cat.jpg", ["--output", "/dev/null"], 2, "is no regular file"),
        ("cat.jpg", ["--png", folder.path("cat.jpg")], 2, "is no folder"),
        ("cat.jpg", page + ["--max-tokens", "0"], 2, "--max-tokens"),
        ("cat.jpg", page + ["--max-pixels", "100"], 1, "image_too_large"),
      ]
      for row in rows {
        let ending = try await inspect(row.image, row.more)
        #expect(ending.status == row.status, "\(row): \(ending.errors)")
        #expect(ending.errors.contains(row.named), "\(row): \(ending.errors)")
      }
      #expect(!folder.has("a.html"))
      #expect(try folder.read("results.jsonl") == "{}")
    }

    /// A limit on the size of files stands for a disk that is full.
    @Test func aFullDiskLeavesTheEarlierReport() async throws {
      try folder.write("<!doctype html>earlier", to: "a.html")
      let ending = try await FocusRun(
        [
          "inspect", "--model", Package.model("llava-1.5-gqa"), "--threads", "1", "--max-tokens", "2",
          folder.path("cat.jpg"), "Who?", "--output", folder.path("a.html"),
        ], in: folder, fileBlocks: 16
      ).end()
      #expect(ending.status == 3 && ending.signal == nil, "\(ending)")
      #expect(ending.errors.contains("cannot write \(folder.path("a.html"))"))
      #expect(try folder.read("a.html") == "<!doctype html>earlier")
    }
  }
}
