import Foundation
import Testing

@testable import Answering

/// The examples beside the schemas mean the same to this code as to the schemas (`schemas/check.py`).
@Suite struct SchemaExamplesTests {
  static let examples = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../schemas/examples").standardizedFileURL

  static func names(in folder: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: examples.appending(path: folder).path)
    return (names ?? []).filter { $0.hasSuffix(".json") }.sorted()
  }

  static func decode(_ name: String, _ record: Data) throws(Rejection) {
    switch name.split(separator: ".").first {
    case "job": _ = try Job(json: record)
    case "result": _ = try JobResult(json: record)
    default: _ = try DeadLetter(json: record)
    }
  }

  @Test func examplesAreThere() {
    #expect(Self.names(in: "good").count >= 13)
    #expect(Self.names(in: "bad").count >= 71)
  }

  @Test(arguments: names(in: "good")) func goodExampleIsRead(name: String) throws {
    let record = try Data(contentsOf: Self.examples.appending(path: "good/\(name)"))
    #expect(throws: Never.self) { try Self.decode(name, record) }
  }

  @Test(arguments: names(in: "bad")) func badExampleIsRefusedWithTheCodeInItsName(name: String) throws {
    let record = try Data(contentsOf: Self.examples.appending(path: "bad/\(name)"))
    let code = name.split(separator: ".").dropFirst().first.map(String.init)
    let rejection = #expect(throws: Rejection.self) { try Self.decode(name, record) }
    #expect(rejection?.reason.rawValue == code, "\(rejection?.message ?? "")")
    #expect((rejection?.message.utf8.count ?? 0) < 600)
  }
}
