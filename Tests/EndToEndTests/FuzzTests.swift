import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// Random damage to all that comes from outside: refused or answered, and the process goes on.
  @Suite struct FuzzTests {
    private static let batchLine =
      #"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","#
      + #""content":[{"type":"image_url","image_url":{"url":"cat.jpg"}},{"type":"text","text":"What?"}]}]}}"#
    private static let llavaLine = #"{"question_id":1,"image":"cat.jpg","text":"What?","category":"c"}"#

    @Test(arguments: ["jobs", "openai-batch", "llava"])
    func damagedLinesAreRefusedOrAnswered(format: String) async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg", "pixel.png"])
      var random = Fuzzing.random(11)
      let job = jobLine(
        "a", parameters: #"{"stop":["a","b"],"top_p":0.9,"seed":3,"grammar":"root ::= [a-z]+ | \"no\""}"#)
      let line = Data((format == "jobs" ? job : format == "llava" ? Self.llavaLine : Self.batchLine).utf8)
      var input = Data()
      for _ in 0..<100 * Fuzzing.rounds {
        input += Fuzzing.damaged(line, places: .random(in: 1...4, using: &random), &random) + Data("\n".utf8)
      }
      try folder.write(input, to: "in.jsonl")
      let options = ["--format", format, "--drain-timeout", "0"]
      let ending = try await folder.run(
        "in.jsonl", output: "out.jsonl", model: "llava-1.5-mha", options
      ).end()
      #expect(ending.status == 0 || ending.status == 1, "\(ending)")
      let output = try folder.lines("out.jsonl")
      #expect(output.count >= 90 * Fuzzing.rounds)

      // All of it is done: nothing is refused or answered again, and what failed is still told.
      let again = try await folder.run(
        "in.jsonl", output: "out.jsonl", model: "llava-1.5-mha", options
      ).end()
      #expect(again.status == ending.status, "\(again)")
      #expect(again.errors.contains("nothing left to ask"))
      #expect(try folder.lines("out.jsonl") == output)
    }

    @Test func damagedImagesAreRefusedOrAnswered() async throws {
      let folder = try TemporaryFolder()
      var random = Fuzzing.random(12)
      let names = [
        "quarters.png", "quarters.webp", "orientation6.jpg", "animated.gif", "pages.tiff", "quarters.avif",
        "cmyk.jpg", "rgba16.png", "profile-bomb.png",
      ]
      let count = 54 * Fuzzing.rounds
      for index in 0..<count {
        let whole = try Package.image(names[index % names.count])
        try folder.write(Fuzzing.damaged(whole, places: 6, &random), to: "images/\(index).png")
      }
      let ending = try await FocusRun(
        [
          "run", "--model", Package.model("llava-next-gqa"), "--threads", "1", "--max-tokens", "3",
          "--images",
          folder.path("images"), "--question", "What?", "--output", folder.path("out.jsonl"),
        ], in: folder
      ).end()
      #expect(ending.status == 0 || ending.status == 1, "\(ending)")
      #expect(Set(try folder.results("out.jsonl").map(\.jobId)).count == count)
    }

    @Test(arguments: ["language", "vision"])
    func damagedModelsAreRefusedOrAnswer(part: String) async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
      try folder.write([jobLine("a")], to: "in.jsonl")
      let whole = try Data(
        contentsOf: URL(filePath: Package.model("llava-next-gqa")).appending(path: "\(part).gguf"))
      var random = Fuzzing.random(13)
      for round in 0..<6 * Fuzzing.rounds {
        // The header is read and checked; most of the rest is numbers.
        let header = Fuzzing.damaged(whole.prefix(6_000), places: 1 + round % 4, &random)
        try folder.write(header + whole.dropFirst(6_000), to: "damaged.gguf")
        let ending = try await folder.run(
          "in.jsonl", output: "out.jsonl", ["--\(part)-model", folder.path("damaged.gguf"), "--overwrite"]
        ).end()
        #expect([0, 1, 3].contains(ending.status), "\(ending)")
        #expect(ending.status != 3 || ending.errors.contains("damaged.gguf"), "\(ending)")
      }
    }
  }
}
