/// Why a job, or one question of it, got no answer. A closed set: consumers switch over it.
public enum RejectionReason: String, Sendable, Codable, CaseIterable {
  case malformedJSON = "malformed_json"
  case schemaViolation = "schema_violation"
  case payloadTooLarge = "payload_too_large"
  case imageUnreachable = "image_unreachable"
  case imageForbidden = "image_forbidden"
  case imageTooLarge = "image_too_large"
  case imageUndecodable = "image_undecodable"
  case imageUnsupported = "image_unsupported"
  case questionTooLong = "question_too_long"
  case invalidParameters = "invalid_parameters"
  case attemptsExhausted = "attempts_exhausted"
  case resultTooLarge = "result_too_large"
  case `internal` = "internal"
}

/// A job or question that cannot be answered: the code, and what, where and what to do in plain words.
public struct Rejection: Error, Sendable, Equatable, CustomStringConvertible {
  public var reason: RejectionReason
  public var message: String

  public init(_ reason: RejectionReason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  public var description: String { "\(reason.rawValue): \(message)" }
}
