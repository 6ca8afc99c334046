import Foundation
import Testing

@testable import focus

@Suite("Options that must fit together")
struct OptionTests {
  @Test("A model needs its directory or both files")
  func modelFiles() throws {
    #expect(throws: Failure.self) { try ModelOptions.parse([]).files() }
    #expect(throws: Failure.self) { try ModelOptions.parse(["--language-model", "a"]).files() }
    let mixed = try ModelOptions.parse(["--model", "m", "--vision-model", "v.gguf"]).files()
    #expect(mixed == ModelFilePaths(language: "m/language.gguf", vision: "v.gguf"))
    let file = #expect(throws: Failure.self) {
      try ModelOptions.parse(["--model", "m/language.gguf"]).files()
    }
    #expect(file?.message.contains("--language-model") == true)
    #expect(try ModelOptions.parse(["--model", "m/"]).files().vision == "m/vision.gguf")
  }

  @Test("A sampler is the one named, or the one beside the model; a pin needs one")
  func sampler() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func sampler(_ more: [String] = []) throws -> String? {
      try ModelOptions.parse(["--model", folder.path] + more).files().sampler
    }
    let pin = ["--model-sha256", "sampler=" + String(repeating: "0", count: 64)]
    #expect(try sampler() == nil)
    #expect(throws: Failure.self) { try sampler(pin) }
    let file = folder.appending(path: "sampler.gguf")
    try Data().write(to: file)
    #expect(try sampler(pin) == file.path)
    #expect(try sampler(["--sampler", "s.gguf"]) == "s.gguf")
  }

  @Test("A visual budget is a share", arguments: ["0", "-0.1", "1.01", "nan", "inf"])
  func visualBudget(bad: String) throws {
    #expect(
      try ModelOptions.parse(["--model", "m", "--visual-budget", "1"]).files().language == "m/language.gguf")
    #expect(throws: Failure.self) {
      try ModelOptions.parse(["--model", "m", "--visual-budget=\(bad)"]).files()
    }
  }

  @Test("Two prompts, or no threads, are refused")
  func modelOptions() {
    #expect(throws: Failure.self) {
      try ModelOptions.parse(["--model", "m", "--prompt", "chatml", "--prompt-template", "{image}"]).files()
    }
    #expect(throws: Failure.self) { try ModelOptions.parse(["--model", "m", "--threads", "0"]).files() }
  }

  @Test("A pin names its part and holds 64 hexadecimal digits")
  func pins() {
    let digest = String(repeating: "aB", count: 32)
    #expect(ModelFilePin(argument: "vision=" + digest)?.sha256 == digest.lowercased())
    for bad in ["vision", "vision=12", "eyes=" + digest, "vision=" + String(repeating: "xy", count: 32)] {
      #expect(ModelFilePin(argument: bad) == nil)
    }
  }

  @Test(
    "Jobs come from one place and results go somewhere",
    arguments: [
      ([], false), (["--input", "-"], false), (["--input", "-", "--output", "b"], true),
      (["--input", "-", "--images", "/", "--output", "b"], false),
      (["--input", "-", "--output", "b", "--question", "q"], false),
      (["--images", "/", "--output", "b"], false),
      (["--images", "/", "--question", "q", "--sidecar", ".txt"], true),
      (["--images", "/no/such", "--question", "q", "--sidecar", ".txt"], false),
      (["--input", "/no/such.jsonl", "--output", "b"], false),
      (["--input", "-", "--output", "/no/such/results.jsonl"], false),
    ])
  func files(arguments: [String], isUsable: Bool) throws {
    let options = try FileOptions.parse(arguments)
    if isUsable { try options.check() } else { #expect(throws: Failure.self) { try options.check() } }
  }

  @Test("Answers keep to the ranges of the interface")
  func answers() throws {
    let parameters = try AnswerOptions.parse(["--max-tokens", "7", "--temperature", "0.5"]).parameters()
    #expect(parameters.maxTokens == 7)
    #expect(parameters.temperature == 0.5)
    for bad in [
      ["--max-tokens", "0"], ["--max-tokens", "4097"], ["--temperature=-1"], ["--temperature", "nan"],
      ["--temperature", "2.1"], ["--selection-ratio", "0"], ["--selection-ratio", "1.5"],
    ] {
      #expect(throws: Failure.self) { try AnswerOptions.parse(bad).parameters() }
    }
  }
}
