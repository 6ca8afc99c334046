import Foundation

/// One message: one image and one or more questions about it.
public struct Job: Sendable, Equatable {
  public var id: String
  public var image: ImageReference
  /// 1–256 questions with distinct ids.
  public var questions: [Question]
  /// Any JSON object of at most 16 KiB, echoed in every result of the job.
  public var metadata: JSONValue?
  /// Whether the vision-guided sampler may drop tokens of this job's image; nil means the worker's setting.
  public var compression: Compression?
  /// Further questions of the job that an earlier run answered. They count where `auto` selection depends on
  /// the number of questions, so that an answer doesn't depend on where a run was interrupted.
  public var answeredEarlier: Int

  public init(
    id: String, image: ImageReference, questions: [Question], metadata: JSONValue? = nil,
    compression: Compression? = nil, answeredEarlier: Int = 0
  ) {
    self.id = id
    self.image = image
    self.questions = questions
    self.metadata = metadata
    self.compression = compression
    self.answeredEarlier = answeredEarlier
  }
}

extension Job {
  /// The questions with `auto` selection decided by how many the job has.
  var questionsWithSelection: [Question] {
    questions.map { question in
      var question = question
      question.parameters.selection = (question.parameters.selection ?? .auto).resolved(
        questions: questions.count + answeredEarlier)
      return question
    }
  }
}

/// Where a job's image comes from.
public enum ImageReference: Sendable, Hashable {
  /// `https:`, `http:`, `s3:`, `file:`, or a path relative to the image root.
  case uri(String)
  /// The encoded image itself (JPEG, PNG, …), already out of base64.
  case data(Data)
}

/// One question about a job's image, with its parameters resolved (the job's, overridden by its own).
public struct Question: Sendable, Equatable {
  public var id: String
  /// 1–16,384 characters. Never read as control tokens.
  public var text: String
  public var parameters: GenerationParameters

  public init(id: String, text: String, parameters: GenerationParameters = .init()) {
    self.id = id
    self.text = text
    self.parameters = parameters
  }
}

/// Whether an image is compressed by the vision-guided sampler.
public enum Compression: String, Sendable, Codable, CaseIterable {
  case auto
  case none
}
