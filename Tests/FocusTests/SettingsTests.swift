import ArgumentParser
import Foundation
import Testing

@testable import focus

@Suite("Settings from flags, environment and file")
struct SettingsTests {
  @Test("Flags win, then the environment, then the file, then the default")
  func precedence() async throws {
    let file = try TemporaryFile("threads: 1\nmax-pixels: 1\nlook-ahead: 1\n")
    let run = try await parsed(
      ["run", "--config", file.path, "--threads", "3"],
      ["FOCUS_THREADS": "2", "FOCUS_MAX_PIXELS": "2"])
    #expect(run.model.threads == 3)
    #expect(run.images.maxPixels == 2)
    #expect(run.work.lookAhead == 1)
    #expect(run.work.jobsInFlight == 8)
  }

  @Test("A list comes whole from the first place that sets it")
  func lists() async throws {
    let file = try TemporaryFile("allow-host: [file.example]\nquestion: [\"-v or not?\", \"b, c\"]\n")
    let environment = ["FOCUS_CONFIG": file.path, "FOCUS_ALLOW_HOST": "a.example,b.example"]
    let fromEnvironment = try await parsed(["run"], environment)
    #expect(fromEnvironment.images.allowHost == ["a.example", "b.example"])
    #expect(fromEnvironment.files.question == ["-v or not?", "b, c"])
    let fromFlags = try await parsed(["run", "--allow-host", "flag.example"], environment)
    #expect(fromFlags.images.allowHost == ["flag.example"])
  }

  @Test("A flag can be switched off again on the command line")
  func switches() async throws {
    let environment = ["FOCUS_OVERWRITE": "true"]
    #expect(try await parsed(["run"], environment).files.overwrite == true)
    #expect(try await parsed(["run", "--no-overwrite"], environment).files.overwrite == false)
    #expect(try await parsed(["run"], ["FOCUS_OVERWRITE": "false"]).files.overwrite == false)
    #expect(try await parsed(["run"], [:]).files.overwrite == nil)
  }

  @Test("What a command cannot do without may come from the environment or the file")
  func requiredOptions() async throws {
    let file = try TemporaryFile("dataset: set.jsonl\noutput: results.jsonl\n")
    let parser = SettingsParser(root: Focus.self)
    let collect = try await parser.parse(
      ["collect", "--config", file.path], environment: ["FOCUS_INPUT": "jobs.jsonl"])
    #expect((collect as? CollectCommand)?.input == "jobs.jsonl")
    #expect((collect as? CollectCommand)?.output == "results.jsonl")
    let evaluate = try await parser.parse(["evaluate", "--config", file.path], environment: [:])
    #expect(try (evaluate as? EvaluateCommand)?.dataset.file() == "set.jsonl")
  }

  @Test("Values reach a command with positional arguments untouched")
  func positionals() async throws {
    let command = try await SettingsParser(root: Focus.self)
      .parse(["ask", "cat.jpg", "--threads", "1", "--", "-what?"], environment: ["FOCUS_MODEL": "-odd dir"])
    let ask = try #require(command as? AskCommand)
    #expect(ask.image == "cat.jpg")
    #expect(ask.questions == ["-what?"])
    #expect(ask.model.model == "-odd dir")
  }

  @Test("Settings reach a command of a command")
  func nestedCommand() async throws {
    let command = try await SettingsParser(root: Focus.self)
      .parse(["cache", "prune", "--max-bytes", "5G"], environment: ["FOCUS_CACHE": "sqlite:t.sqlite"])
    let prune = try #require(command as? CachePruneCommand)
    #expect(prune.maxBytes == ByteCount(5 << 30))
    #expect(try prune.cache.location().0 == .sqlite(path: "t.sqlite"))
  }

  @Test("An empty variable sets nothing")
  func emptyVariable() async throws {
    #expect(try await parsed(["run"], ["FOCUS_THREADS": "", "FOCUS_MODEL": ""]).model.model == nil)
  }

  @Test("A key that no command knows is refused by name, with the one meant")
  func unknownKey() async throws {
    let file = try TemporaryFile("max_pixels: 3\n")
    let failure = try await failure(["run", "--config", file.path], [:])
    #expect(failure.status == .unusableArguments)
    #expect(failure.message.contains("unknown key “max_pixels”; did you mean “max-pixels”?"))
  }

  @Test("A key of another command is fine: one file serves all")
  func keyOfAnotherCommand() async throws {
    let file = try TemporaryFile("answer-only: true\n")
    _ = try await parsed(["run", "--config", file.path], [:])
  }

  @Test(
    "A bad value is refused with the place it came from",
    arguments: [
      ("threads: many", "threads in "), ("threads: [1]", "must be one value"),
      ("allow-host: a", "must be a list"), ("overwrite: maybe", "neither true nor false"),
      ("- a", "not usable as YAML"), ("threads: {a: 1}", "not keys of its own"),
    ])
  func badValue(yaml: String, message: String) async throws {
    let file = try TemporaryFile(yaml + "\n")
    let failure = try await failure(["run", "--config", file.path], [:])
    #expect(failure.status == .unusableArguments)
    #expect(failure.message.contains(message))
    #expect(failure.message.contains(file.path))
  }

  @Test("A bad variable is named")
  func badVariable() async throws {
    let failure = try await failure(["run"], ["FOCUS_DEVICE": "tpu"])
    #expect(failure.message.hasPrefix("FOCUS_DEVICE: "))
  }

  @Test("Every setting is a long option of its command under the same name")
  func namesMatchOptions() {
    for command in [RunCommand.self, AskCommand.self, DoctorCommand.self, CachePruneCommand.self]
      as [any ParsableCommand.Type]
    {
      let help = command.helpMessage()
      for setting in DeclaredSetting.declared(by: command) { #expect(help.contains("--\(setting.name)")) }
    }
    let names = DeclaredSetting.declared(by: RunCommand.self).map(\.name)
    #expect(names.contains("s3-endpoint"))
    #expect(names.contains("model-sha256"))
  }

  @Test("Arguments that cannot be used end with status 2, help and version with 0")
  func exitStatus() async {
    #expect(await Focus.run(["run", "--threads", "x"], environment: [:]) == .unusableArguments)
    #expect(await Focus.run(["fly"], environment: [:]) == .unusableArguments)
    #expect(await Focus.run(["--version"], environment: [:]) == .success)
    #expect(await Focus.run(["run"], environment: ["FOCUS_THREADS": "x"]) == .unusableArguments)
  }

  private func parsed(_ arguments: [String], _ environment: [String: String]) async throws -> RunCommand {
    let command = try await SettingsParser(root: Focus.self).parse(arguments, environment: environment)
    return try #require(command as? RunCommand)
  }

  private func failure(_ arguments: [String], _ environment: [String: String]) async throws -> Failure {
    try await #require(throws: Failure.self) { _ = try await parsed(arguments, environment) }
  }
}

/// A file that is removed with this value.
final class TemporaryFile {
  let path: String

  init(_ text: String) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("focus-\(UUID()).yaml").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
