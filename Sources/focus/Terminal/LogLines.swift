import Foundation
import Logging

/// Writes log lines to standard error, as text or as one JSON object each.
struct LogLines: LogHandler {
  var label: String
  var format: LogFormat
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  /// Sends every logger of the process here. Call once.
  static func start(_ options: SharedOptions, level: Logger.Level? = nil) {
    LoggingSystem.bootstrap { label in
      LogLines(label: label, format: options.logFormat, logLevel: level ?? options.logLevel)
    }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    StandardError.shared.write(line(for: event, at: Date()))
  }

  func line(for event: LogEvent, at time: Date) -> String {
    let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let stamp = time.formatted(.iso8601)
    switch format {
    case .text:
      let text = "\(event.message)" + details.map { " \($0.key)=\($0.value)" }.joined()
      return "\(stamp) \(event.level) \(Self.printable(text))"
    case .json:
      var object = [
        "time": stamp, "level": event.level.rawValue, "logger": label, "message": event.message.description,
      ]
      for (key, value) in details where object[key] == nil { object[key] = value.description }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      guard let data = try? encoder.encode(object) else {
        return #"{"level":"error","message":"unloggable"}"#
      }
      return String(decoding: data, as: UTF8.self)
    }
  }

  /// One event stays one line and steers no terminal, whatever it quotes: ids of jobs come from outside.
  private static func printable(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar.properties.generalCategory {
      case _ where scalar == "\n": "\\n"
      case .control, .lineSeparator, .paragraphSeparator: "\\u{\(String(scalar.value, radix: 16))}"
      case _ where scalar.properties.isBidiControl: "\\u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    }.joined()
  }
}
