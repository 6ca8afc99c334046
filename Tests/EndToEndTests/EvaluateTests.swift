import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// `focus evaluate` on photographs and a tiny model, whose answers mean nothing: references are what it said before.
  @Suite struct EvaluateTests {
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg", "orientation6.jpg"])
    }

    private struct Report: Decodable {
      struct Outcome: Decodable {
        struct Estimate: Decodable {
          var mean: Double
        }
        struct Tokens: Decodable {
          var encoded: Double
          var compressed: Double
          var selected: Double
        }
        var setting: String
        var questions: Int
        var failed: Int
        var accuracy: Estimate
        var difference: Estimate?
        var kinds: [String: Estimate]
        var tokens: Tokens
      }
      var metric: String
      var outcomes: [Outcome]
    }

    private func evaluate(_ more: [String]) async throws -> (ending: FocusRun.Ending, table: String) {
      let output = Pipe()
      let run = try FocusRun(
        [
          "evaluate", "--model", Package.model("llava-next-gqa"), "--threads", "1", "--max-tokens", "4",
          "--dataset", folder.path("jobs.jsonl"), "--output", folder.path("found"),
        ] + more, in: folder, output: output)
      let ending = await run.end()
      try output.fileHandleForWriting.close()
      return (ending, String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    private func report() throws -> Report {
      try JSONDecoder().decode(Report.self, from: folder.data("found/evaluation.json"))
    }

    /// Two questions on each image; with references where they are known.
    private func write(answers: [String: [String]], images: [String] = ["cat.jpg", "orientation6.jpg"]) throws
    {
      try folder.write(
        try images.map { image in
          let answers = answers[image] ?? ["?", "?"]
          let job: [String: Any] = [
            "job_id": image, "image": ["uri": image],
            "questions": [["question_id": "0", "text": "Who?"], ["question_id": "1", "text": "What?"]],
            "metadata": [
              "answers": ["0": answers[0], "1": answers[1]], "kinds": ["0": "people", "1": "things"],
            ],
          ]
          return String(decoding: try JSONSerialization.data(withJSONObject: job), as: UTF8.self)
        }, to: "jobs.jsonl")
    }

    /// Its name in the output's folder.
    private func anAnswersFile() throws -> String {
      try #require(
        FileManager.default.contentsOfDirectory(atPath: folder.path("found")).first {
          $0.hasPrefix("answers-")
        })
    }

    private func answersOfTheFirstSetting() throws -> [String: [String]] {
      let name = try anAnswersFile()
      let file = try JSONSerialization.jsonObject(with: folder.data("found/\(name)")) as? [String: Any]
      var answers: [String: [String]] = [:]
      for row in try #require(file?["rows"] as? [[String: Any]]) {
        let image = try #require((row["id"] as? String)?.split(separator: "/").first)
        answers[String(image), default: []].append(try #require(row["answer"] as? String))
      }
      return answers
    }

    @Test func settingsAreComparedAndKept() async throws {
      try write(answers: [:])
      let plain = "router=none selection=none"
      let before = try await evaluate(["--setting", plain])
      #expect(before.ending.status == 0, "\(before.ending.errors)")
      #expect(try report().outcomes.map(\.accuracy.mean) == [0])
      let known = try answersOfTheFirstSetting()
      try FileManager.default.removeItem(atPath: folder.path("found"))

      // What the plain model says is right, but for one question.
      var answers = known
      answers["cat.jpg"]?[1] = "something else"
      try write(answers: answers)
      let settings = [
        "--setting", plain, "--setting",
        "router=density|uniform budget=0.4 selection=prune ratio=0.5 layer=1|2 importance=question|random",
      ]
      let first = try await evaluate(settings)
      #expect(first.ending.status == 0, "\(first.ending.errors)")
      let found = try report()
      #expect(found.metric == "exact" && found.outcomes.count == 9)
      #expect(found.outcomes[0].accuracy.mean == 0.75)
      #expect(found.outcomes[0].kinds.mapValues(\.mean) == ["people": 1, "things": 0.5])
      #expect(found.outcomes[0].tokens.selected == found.outcomes[0].tokens.encoded)
      for outcome in found.outcomes.dropFirst() {
        #expect(outcome.difference != nil && outcome.failed == 0 && outcome.questions == 4)
        #expect(outcome.tokens.compressed <= 0.4 * outcome.tokens.encoded)
        #expect(abs(outcome.tokens.selected / outcome.tokens.compressed - 0.5) < 0.05)
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("found"))
      for name in ["table.md", "accuracy-by-layer.svg", "speed-by-layer.svg"] {
        #expect(names.contains(name), "\(names)")
      }
      #expect(first.table.contains("router=uniform budget=0.4"))

      // The second time nothing is asked again.
      let again = try await evaluate(settings)
      #expect(again.ending.status == 0 && again.table == first.table)
      #expect(again.ending.errors.components(separatedBy: "are there already").count == 10)
    }

    @Test func differencesAreAgainstAnEarlierEvaluation() async throws {
      try write(answers: [:])
      let setting = ["--setting", "router=none selection=none"]
      _ = try await evaluate(setting)
      try write(answers: try answersOfTheFirstSetting())
      try FileManager.default.removeItem(atPath: folder.path("found"))
      _ = try await evaluate(setting)
      let earlier = folder.path("found/\(try anAnswersFile())")
      #expect(try report().outcomes.map(\.accuracy.mean) == [1])

      let other = ["--setting", "router=uniform budget=0.2 selection=none", "--against", earlier]
      let found = try await evaluate(other)
      #expect(found.ending.status == 0, "\(found.ending.errors)")
      let outcome = try #require(try report().outcomes.first)
      #expect(outcome.difference?.mean == outcome.accuracy.mean - 1)

      try write(answers: [:], images: ["cat.jpg"])
      let refused = try await evaluate(other)
      #expect(
        refused.ending.status == 2 && refused.ending.errors.contains("answers other questions than --dataset")
      )
      try Data("{}".utf8).write(to: URL(fileURLWithPath: earlier))
      let damaged = try await evaluate(other)
      #expect(damaged.ending.status == 2 && damaged.ending.errors.contains("no file of answers"))
    }

    @Test func aBadImageCountsAsWrongAndIsTold() async throws {
      try write(answers: [:], images: ["cat.jpg", "missing.jpg"])
      let found = try await evaluate([])
      #expect(found.ending.status == 1)
      #expect(found.ending.errors.contains("2 of 4 questions failed"))
      #expect(try report().outcomes.map(\.failed) == [2, 2])
    }

    @Test(
      arguments: [
        (["--setting", "router=dense"], "router must be one of none, learned, density, uniform"),
        (["--setting", "rooter=none"], "“rooter=none” is none of router=…"),
        (["--setting", "budget=0"], "budget must be above 0"),
        (["--setting", "layer=1 layer=2"], "gives layer twice"),
        (
          [
            "--model", Package.model("llava-1.5-mha"), "--sampler",
            Package.model("llava-1.5-mha") + "/density.gguf", "--setting", "router=learned",
          ], "no sampler file"
        ),
        (["--dataset-format", "gqa"], "jobs.jsonl"),
      ])
    func whatCannotBeMeantIsNamed(_ options: [String], _ complaint: String) async throws {
      try write(answers: [:])
      let found = try await evaluate(options)
      #expect([2, 3].contains(found.ending.status), "\(found.ending.errors)")
      #expect(found.ending.errors.contains(complaint), "\(found.ending.errors)")
    }
  }
}
