import ArgumentParser
import Logging

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Option(help: ArgumentHelp("YAML file with settings, keys named like the options.", valueName: "file"))
  var config: String?

  @Option(help: "How log lines on standard error are written.")
  var logFormat = LogFormat.text

  @Option(
    help: "The least serious log lines to show.")
  var logLevel = Logger.Level.info
}

enum LogFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case text
  case json
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
