import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// Outputs, disks, models and arguments that cannot be used are refused by name, each with its exit status.
  @Suite struct EnvironmentTests {
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
      try folder.write((0..<40).map { jobLine("job-\($0)") }, to: "in.jsonl")
    }

    @Test func aSecondRunOnAnOutputIsRefused() async throws {
      let first = try folder.run("in.jsonl", output: "out.jsonl")
      let isSent = await first.send(SIGSTOP) { [folder] _ in folder.lineCount("out.jsonl") >= 3 }
      #expect(isSent)

      for more in [[], ["--overwrite"]] {
        let second = try await folder.run("in.jsonl", output: "out.jsonl", more).end()
        #expect(second.status == 3)
        #expect(second.errors.contains("\(folder.path("out.jsonl")) is being written by another run"))
      }
      first.send(SIGKILL)
      _ = await first.end()
      // A killed run leaves no lock behind.
      #expect(try await folder.run("in.jsonl", output: "out.jsonl").end().status == 0)
      #expect(folder.lineCount("out.jsonl") == 40)
    }

    @Test func anotherModelOrSettingIsRefusedByName() async throws {
      #expect(try await folder.run("in.jsonl", output: "out.jsonl").end().status == 0)
      let before = try folder.data("out.jsonl")
      let others: [(model: String, more: [String], named: String)] = [
        ("llava-1.5-mha", [], "model was"),
        ("llava-next-gqa", ["--temperature", "1"], "temperature was not set, now 1.0"),
        ("llava-next-gqa", ["--max-tokens", "7"], "max-tokens was 6, now 7"),
        ("llava-next-gqa", ["--prompt", "chatml"], "prompt was not set, now chatml"),
        ("llava-next-gqa", ["--format", "llava"], "format was jobs, now llava"),
      ]
      for (model, more, named) in others {
        let ending = try await folder.run("in.jsonl", output: "out.jsonl", model: model, more).end()
        #expect(ending.status == 2)
        #expect(ending.errors.contains(named) && ending.errors.contains("--overwrite"), "\(ending.errors)")
      }
      #expect(try folder.data("out.jsonl") == before)
    }

    /// A limit on the size of files stands for a disk that is full.
    @Test func afterAFullDiskTheRunGoesOn() async throws {
      let full = try await folder.run("in.jsonl", output: "out.jsonl", fileBlocks: 8).end()
      #expect(full.status == 3 && full.signal == nil, "\(full)")
      #expect(full.errors.contains("cannot write \(folder.path("out.jsonl")): File too large"))
      #expect(full.errors.contains("start again (without --overwrite) to continue"))
      let kept = try folder.results("out.jsonl").count
      #expect((1..<40).contains(kept))

      #expect(try await folder.run("in.jsonl", output: "out.jsonl").end().status == 0)
      #expect(Set(try folder.results("out.jsonl").map(\.question)).count == 40)
      #expect(folder.lineCount("out.jsonl") == 40)
    }

    @Test func aDeviceWithoutSpaceIsNamed() async throws {
      guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
      let ending = try await FocusRun(
        [
          "run", "--model", Package.model("llava-1.5-mha"), "--input", folder.path("in.jsonl"), "--output",
          "/dev/full",
        ], in: folder
      ).end()
      #expect(ending.status == 3)
      #expect(ending.errors.contains("cannot write /dev/full: No space left on device"))
    }

    @Test func modelsThatCannotBeUsedAreNamed() async throws {
      let good = Package.model("llava-next-gqa")
      let language = try Data(contentsOf: URL(filePath: good + "/language.gguf"))
      try folder.write(language.prefix(language.count / 2), to: "half.gguf")
      try folder.write(Data("not a model".utf8), to: "text.gguf")
      try folder.write(Data(), to: "empty.gguf")
      let wrong = String(repeating: "0", count: 64)
      let models: [(arguments: [String], named: [String])] = [
        (["--model", "/nowhere"], ["/nowhere/language.gguf", "No such file"]),
        (["--model", good, "--language-model", folder.path("half.gguf")], ["half.gguf", "cut short"]),
        (["--model", good, "--vision-model", folder.path("text.gguf")], ["text.gguf", "not a GGUF file"]),
        (["--model", good, "--vision-model", folder.path("empty.gguf")], ["empty.gguf", "empty"]),
        (["--model", good, "--vision-model", folder.url.path], [folder.url.path, "no regular file"]),
        (["--model", good, "--language-model", good + "/vision.gguf"], ["vision.gguf", "damaged"]),
        (["--model", good, "--vision-model", good + "/language.gguf"], ["language.gguf", "not the clip"]),
        (["--model", good, "--model-sha256", "language=" + wrong], ["language.gguf", wrong]),
      ]
      for (arguments, named) in models {
        let files = ["--input", folder.path("in.jsonl"), "--output", folder.path("out.jsonl")]
        let ending = try await FocusRun(["run"] + arguments + files, in: folder).end()
        #expect(ending.status == 3, "\(arguments): \(ending.errors)")
        for name in named { #expect(ending.errors.contains(name), "\(arguments): \(ending.errors)") }
        #expect(!folder.has("out.jsonl"))
      }
    }

    @Test(arguments: [
      ("collect", "--input FILE"), ("evaluate", "--dataset"), ("run", "--input FILE"),
    ])
    func whatACommandCannotDoWithoutIsNamed(command: String, named: String) async throws {
      let model =
        command == "run" || command == "evaluate" ? ["--model", Package.model("llava-next-gqa")] : []
      let ending = try await FocusRun([command] + model, in: folder).end()
      #expect(ending.status == 2, "\(ending.errors)")
      #expect(ending.errors.contains(named), "\(ending.errors)")
    }

    @Test func argumentsThatCannotBeUsedAreNamed() async throws {
      let files = ["--input", folder.path("in.jsonl"), "--output", folder.path("out.jsonl")]
      let model = ["--model", Package.model("llava-next-gqa")]
      let bad: [(arguments: [String], named: String)] = [
        (model + files + ["--colour"], "--colour"), (model + files + ["--threads", "none"], "--threads"),
        (model + files + ["--temperature", "nan"], "--temperature"),
        (model + files + ["--max-tokens", "1000000000"], "--max-tokens must be from 1 to 4096"),
        (model + files + ["--max-pixels", "0"], "--max-pixels"),
        (model + files + ["--allow-host", "http://a/"], "http://a/"),
        (model + files + ["--image-root", "/nowhere"], "/nowhere"),
        (model + files + ["--prompt", "poem"], "poem"), (model + files + ["--format", "csv"], "csv"),
        (model + files + ["--prompt-template", "{question}"], "{image}"),
        (model + ["--input", folder.path("gone.jsonl"), "--output", folder.path("out.jsonl")], "gone.jsonl"),
        (model + ["--input", folder.path("in.jsonl"), "--output", "/nowhere/out"], "/nowhere/out"),
        (
          model + ["--input", folder.path("in.jsonl"), "--output", folder.path("in.jsonl")], "both input and"
        ),
        (model, "--input FILE"), (files, "--model"),
        (
          ["--model", "/nowhere", "--input", folder.path("cat.jpg"), "--output", folder.path("out.jsonl")],
          "cat.jpg is a JPEG image, not a file of jobs"
        ),
      ]
      for (arguments, named) in bad {
        let ending = try await FocusRun(["run"] + arguments, in: folder).end()
        #expect(ending.status == 2, "\(arguments): \(ending.errors)")
        #expect(ending.errors.contains(named), "\(arguments): \(ending.errors)")
      }
      #expect(folder.lineCount("in.jsonl") == 40)
    }
  }
}
