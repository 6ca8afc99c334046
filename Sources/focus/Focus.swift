import Answering
import ArgumentParser
import Foundation

@main
struct Focus: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "focus",
    abstract: "Answers questions about images in bulk.",
    discussion: """
      Every option can also be set in the environment (--max-pixels as FOCUS_MAX_PIXELS) and in the file \
      given with --config (as max-pixels). Flags win, then the environment, then the file.

      Exit status: 0 all answered, 1 some jobs failed, 2 unusable arguments or configuration, \
      3 the environment failed, 130 interrupted and resumable.
      """,
    version: version,
    subcommands: [
      RunCommand.self, WorkerCommand.self, SubmitCommand.self, CollectCommand.self, AskCommand.self,
      InspectCommand.self, EvaluateCommand.self, BenchCommand.self, CacheCommand.self, DoctorCommand.self,
    ])

  static func main() async {
    StartEnvironment.begin()
    // A reader that has left and a file that may not grow are errors to tell, not ends of the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // When ggml aborts it would start a debugger, which takes memory and waits on a server without a terminal.
    setenv("GGML_NO_BACKTRACE", "1", 1)
    let arguments = Array(CommandLine.arguments.dropFirst())
    let status = await run(arguments, environment: ProcessInfo.processInfo.environment)
    end(status)
  }

  /// Ends the process without its exit handlers: OpenSSL's frees what the threads of downloads, databases and brokers
  /// that are just ending still use, and now and then a finished run would end as a crash. Commands have closed by
  /// themselves what must be closed.
  private static func end(_ status: ExitStatus) -> Never {
    fflush(nil)
    _exit(status.rawValue)
  }

  static func run(_ arguments: [String], environment: [String: String]) async -> ExitStatus {
    var command: any ParsableCommand = Focus()
    do {
      command = try await SettingsParser(root: Focus.self).parse(arguments, environment: environment)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      return .success
    } catch let failure as Failure {
      StandardError.shared.write("error: \(failure.message)")
      return failure.status
    } catch let status as EarlyEnd {
      return status.status
    } catch {
      return report(error, from: type(of: command))
    }
  }

  /// Help and version are asked for; other errors of the parser are about the arguments; the rest are ours.
  private static func report(_ error: any Error, from command: any ParsableCommand.Type) -> ExitStatus {
    if command.exitCode(for: error) == .success {
      print(command.fullMessage(for: error))
      return .success
    }
    if command.exitCode(for: error) == .validationFailure {
      StandardError.shared.write(command.fullMessage(for: error).replacingPrefix("Error: ", with: "error: "))
      return .unusableArguments
    }
    StandardError.shared.write("error: \(error)")
    return .environmentFailed
  }
}

/// Ends a command that has already said everything, with this status.
struct EarlyEnd: Error {
  var status: ExitStatus
}

private extension String {
  func replacingPrefix(_ prefix: String, with replacement: String) -> String {
    hasPrefix(prefix) ? replacement + dropFirst(prefix.count) : self
  }
}
