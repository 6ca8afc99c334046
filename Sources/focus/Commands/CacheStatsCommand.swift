import Answering
import ArgumentParser
import Foundation

/// `focus cache stats`: how much the cache holds, of which models, and when it was used.
struct CacheStatsCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Shows what the cache holds.")

  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Print JSON instead of text.")
  var json: Bool?

  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    try await LastingCache(cache).look { name, store in
      let statistics = try await store?.statistics()
      // A database tells no size of a file.
      let size = try? FileManager.default.attributesOfItem(atPath: name)[.size] as? NSNumber
      try show(
        CacheReport(
          path: name, statistics: statistics ?? .init(), fileBytes: store == nil ? 0 : size?.intValue))
    }
  }

  private func show(_ report: CacheReport) throws {
    guard json ?? false else { return print(report.text) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.dateEncodingStrategy = .iso8601
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }
}

/// What `focus cache stats` shows.
struct CacheReport: Encodable, Equatable {
  struct Model: Encodable, Equatable {
    var name: String
    var images: Int
    var bytes: Int
  }

  var path: String
  var images: Int
  /// Of the images' tokens.
  var bytes: Int
  /// nil for a database.
  var fileBytes: Int?
  var oldestUse: Date?
  var newestUse: Date?
  /// Largest first.
  var models: [Model]

  init(path: String, statistics: TokenStoreStatistics, fileBytes: Int?) {
    self.path = path
    images = statistics.entries
    bytes = statistics.bytes
    self.fileBytes = fileBytes
    oldestUse = statistics.oldestUse
    newestUse = statistics.newestUse
    models = statistics.models.map { Model(name: $0.key, images: $0.value.entries, bytes: $0.value.bytes) }
      .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
  }

  var text: String {
    var lines = [
      path,
      "\(ProgressText.count(images, "image")), \(bytes.formattedBytes) of tokens"
        + (fileBytes.map { " in a file of \($0.formattedBytes)" } ?? ""),
    ]
    if let oldestUse, let newestUse {
      lines.append("last used between \(oldestUse.formatted(.iso8601)) and \(newestUse.formatted(.iso8601))")
    }
    for model in models {
      lines.append(
        "\(model.name): \(ProgressText.count(model.images, "image")), \(model.bytes.formattedBytes)")
    }
    return lines.joined(separator: "\n")
  }
}

extension Int {
  var formattedBytes: String { Int64(self).formatted(.byteCount(style: .file)) }
}
