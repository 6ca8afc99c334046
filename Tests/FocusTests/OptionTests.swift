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
