import Answering
import Foundation

/// What an output was begun with, kept beside it as `OUTPUT.manifest.json`, so that one file never mixes answers
/// of different models or settings.
public struct RunManifest: Sendable, Equatable {
  /// Of this file; a reader refuses others.
  static let version = 1

  public var model: ModelIdentity
  /// Every setting that changes answers, by the name of its flag.
  public var settings: [String: String]
  public var format: FileFormat

  public init(model: ModelIdentity, settings: [String: String], format: FileFormat) {
    self.model = model
    self.settings = settings
    self.format = format
  }

  /// One thing that was different when the output was begun.
  public struct Difference: Sendable, Equatable, CustomStringConvertible {
    public var name: String
    /// nil where the setting was not given.
    public var before: String?
    public var now: String?

    public var description: String { "\(name) was \(before ?? "not set"), now \(now ?? "not set")" }
  }

  /// Differences that forbid to continue. The model's name is not one: its fingerprint tells.
  func differences(from before: RunManifest) -> [Difference] {
    var differences: [Difference] = []
    func compare(_ name: String, _ before: String?, _ now: String?) {
      if before != now { differences.append(Difference(name: name, before: before, now: now)) }
    }
    compare("model", before.model.fingerprint, model.fingerprint)
    compare("format", before.format.rawValue, format.rawValue)
    for name in Set(settings.keys).union(before.settings.keys).sorted() {
      compare(name, before.settings[name], settings[name])
    }
    return differences
  }
}

// MARK: - Its file

extension RunManifest {
  static func path(for output: String) -> String { output + ".manifest.json" }

  /// nil where the file is missing.
  init?(path: String) throws(FileJobsError) {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let document: Data
    do {
      document = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw .cannotRead(path: path, reason: error.localizedDescription)
    }
    do throws(Rejection) {
      try self.init(JSONFields(JSONValue(parsing: document)))
    } catch {
      throw .foreignOutput(path: path, reason: "is no manifest of a run (\(error.message))")
    }
  }

  private init(_ root: JSONFields) throws(Rejection) {
    guard root["manifest_version"] == .integer(Int64(Self.version)) else {
      throw root.bad("manifest_version", mustBe: "\(Self.version)")
    }
    guard let model = try root.object("model"), let named = try root.object("settings"),
      let format = try root.choice("format", of: FileFormat.self)
    else { throw Rejection(.schemaViolation, "model, settings or format is missing") }
    var settings: [String: String] = [:]
    for name in named.names { settings[name] = try named.requiredText(name) }
    self.init(
      model: ModelIdentity(
        name: try model.requiredText("name"), fingerprint: try model.requiredText("fingerprint")),
      settings: settings, format: format)
  }

  /// Writes the file whole or not at all.
  func write(to path: String) throws(FileJobsError) {
    let sortedSettings = settings.sorted { $0.key < $1.key }
    let record: OrderedJSON = [
      "manifest_version": OrderedJSON(Self.version),
      "model": ["name": .string(model.name), "fingerprint": .string(model.fingerprint)],
      "format": .string(format.rawValue),
      "settings": .object(sortedSettings.map { ($0.key, .string($0.value)) }),
    ]
    do {
      try Data(record.line).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw .cannotWrite(path: path, reason: error.localizedDescription)
    }
  }
}
