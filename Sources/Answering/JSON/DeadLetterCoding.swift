import Foundation

extension DeadLetter {
  /// The record of `schemas/dead-letter.schema.json`, absent fields left out.
  package var record: OrderedJSON {
    [
      "reason": .string(rejection.reason.rawValue),
      "message": .string(rejection.message),
      "job_id": jobID.map { .string($0) },
      "attempts": OrderedJSON(attempts),
      "source": origin.record,
      "payload": payload.map { .string($0.bytes.base64EncodedString()) },
      "payload_truncated": payload.map { .bool($0.isTruncated) },
    ]
  }

  /// The record in UTF-8, on one line without a newline.
  public var json: [UInt8] { record.utf8 }

  /// Reads a dead letter back. Throws `malformed_json` or `schema_violation`.
  public init(json record: Data) throws(Rejection) {
    let root = try JSONFields(JSONValue(parsing: record))
    guard let reason = try root.choice("reason", of: RejectionReason.self) else {
      throw root.bad("reason", mustBe: "one of the codes")
    }
    self.init(
      rejection: Rejection(reason, try root.requiredText("message")),
      jobID: root["job_id"] == nil ? nil : try root.requiredText("job_id"),
      attempts: try root.requiredInteger("attempts"), origin: try Origin(root), payload: try root.payload())
  }
}

extension Origin {
  fileprivate var record: OrderedJSON {
    switch self {
    case .file(let path): ["file": .string(path)]
    case .line(let file, let number): ["file": .string(file), "line": OrderedJSON(number)]
    case .record(let topic, let partition, let offset, let timestamp):
      [
        "topic": .string(topic), "partition": .integer(Int64(partition)), "offset": .integer(offset),
        "timestamp": .integer(timestamp),
      ]
    }
  }

  fileprivate init(_ root: JSONFields) throws(Rejection) {
    guard let source = try root.object("source") else { throw root.bad("source", mustBe: "an object") }
    if source["topic"] == nil {
      let file = try source.requiredText("file")
      self =
        source["line"] == nil ? .file(file) : .line(file: file, number: try source.requiredInteger("line"))
      return
    }
    guard let partition = Int32(exactly: try source.requiredInteger("partition")) else {
      throw source.bad("partition", mustBe: "a 32-bit integer")
    }
    self = .record(
      topic: try source.requiredText("topic"), partition: partition,
      offset: Int64(try source.requiredInteger("offset")),
      timestamp: Int64(try source.requiredInteger("timestamp")))
  }
}

extension JSONFields {
  fileprivate func payload() throws(Rejection) -> Payload? {
    guard self["payload"] != nil else { return nil }
    guard let bytes = Data(base64Encoded: try requiredText("payload")) else {
      throw bad("payload", mustBe: "base64")
    }
    return Payload(bytes, isTruncated: try boolean("payload_truncated") ?? false)
  }
}
