import Foundation

/// The record of a job that got no results, with enough of it to repair and submit again.
public struct DeadLetter: Sendable, Equatable {
  public var rejection: Rejection
  public var jobID: String?
  /// How often the job was begun, this time included.
  public var attempts: Int
  public var origin: Origin
  public var payload: Payload?

  public init(rejection: Rejection, jobID: String?, attempts: Int, origin: Origin, payload: Payload?) {
    self.rejection = rejection
    self.jobID = jobID
    self.attempts = attempts
    self.origin = origin
    self.payload = payload
  }
}

/// At most the first 64 KiB of a message.
public struct Payload: Sendable, Equatable {
  public static let limit = 64 * 1024

  public var bytes: Data
  public var isTruncated: Bool

  /// Copies what it keeps: the message's bytes may be a client's, lent for a moment.
  public init(_ message: Data) {
    bytes = message.prefix(Self.limit).withUnsafeBytes { Data($0) }
    isTruncated = message.count > Self.limit
  }

  /// A payload read back from its record.
  public init(_ bytes: Data, isTruncated: Bool) {
    self.bytes = bytes
    self.isTruncated = isTruncated
  }
}
