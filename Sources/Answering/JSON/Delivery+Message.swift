import Foundation

extension Delivery {
  /// What a source makes of one message: a job, or why it is none, with what the dead letter will need.
  ///
  /// `message` is nil for a record without a value.
  public init(
    sequence: Int, origin: Origin, message: Data?, limits: JobLimits, defaults: GenerationParameters = .init()
  ) {
    self.init(
      sequence: sequence, origin: origin,
      content: Self.content(of: message, limits: limits, defaults: defaults),
      payload: message.map(Payload.init))
    if case .failure = content {
      rejectedJobID = payload.flatMap { Job.readableID(in: $0.bytes) }
    }
  }

  private static func content(
    of message: Data?, limits: JobLimits, defaults: GenerationParameters
  ) -> Result<Job, Rejection> {
    guard let message else {
      return .failure(Rejection(.schemaViolation, "the record has no value"))
    }
    do throws(Rejection) {
      return .success(try Job(json: message, limits: limits, defaults: defaults))
    } catch {
      return .failure(error)
    }
  }
}
