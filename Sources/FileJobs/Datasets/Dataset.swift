import Answering
import Foundation

/// Questions with what is right to say, read whole: to be asked several times.
public struct Dataset: Sendable {
  /// How a file of questions looks. References are in it, or in a file of annotations beside it.
  public enum Format: String, Sendable, CaseIterable {
    /// Jobs; `metadata.answers` has each question's reference or references, `metadata.kinds` its kind.
    case jobs
    /// LLaVA's question lines, and POPE's, whose `label` is the reference.
    case llava
    /// VQA v2's question document, with its annotations.
    case vqav2
    /// TextVQA's document, which has both.
    case textVQA = "textvqa"
    /// GQA's document, which has both.
    case gqa
  }

  /// Where references come from, and so how answers are scored.
  public enum ReferenceForm: Sendable, Equatable {
    case answers
    case vqa
    case textVQA
    case labels
  }

  public struct Item: Sendable, Equatable {
    /// As the file has it.
    public var id: String
    public var kind: String?
    /// One or more.
    public var references: [String]
  }

  /// Numbered from 0; their questions' ids are indices into `items`.
  public private(set) var jobs: [Job] = []
  public private(set) var items: [Item] = []
  public private(set) var references = ReferenceForm.answers

  /// Reads everything. Throws `FileJobsError` where a line is none of the format, or a question has no reference.
  ///
  /// - Parameters:
  ///   - format: guessed where nil.
  ///   - annotations: a file of references, in place of those beside the questions.
  ///   - imageTemplate: for formats that number their images; TextVQA's and GQA's are `{image_id}.jpg` by default.
  ///   - suffix: added to every question.
  public init(
    _ path: String, format: Format? = nil, annotations: String? = nil, imageTemplate: String? = nil,
    suffix: String = "", defaults: GenerationParameters = .init()
  ) throws(FileJobsError) {
    let file = try DatasetFile(path, format: format, imageTemplate: imageTemplate)
    var lines = try file.lines()
    let asked = try Self.asked(&lines, file, defaults: defaults)
    references = lines.references
    let given = lines.known
    let annotated: Annotations? = if let annotations { try Annotations(annotations) } else { nil }
    if let annotated { references = annotated.form }
    for job in asked {
      var numbered = job
      numbered.id = "\(jobs.count)"
      for index in job.questions.indices {
        let question = job.questions[index]
        // Formats with one question a line: the n-th line is the n-th question.
        let known =
          file.format == .jobs || !given.indices.contains(items.count)
          ? DatasetLines.Known(of: question, in: job) : given[items.count]
        let found =
          annotated.map { $0.references(of: known.id, text: question.text) } ?? known.references
        guard let found, !found.isEmpty else {
          throw .noReference(path: path, question: known.id, annotations: annotations)
        }
        numbered.questions[index].id = "\(items.count)"
        numbered.questions[index].text += suffix
        let kind = known.kind ?? annotated?.kind(of: known.id, text: question.text)
        items.append(Item(id: known.id, kind: kind, references: found))
      }
      jobs.append(numbered)
    }
    if items.isEmpty { throw .cannotRead(path: path, reason: "it holds no questions") }
  }

  /// The file's jobs in their order, as `focus run` would read them.
  private static func asked(
    _ lines: inout DatasetLines, _ file: DatasetFile, defaults: GenerationParameters
  ) throws(FileJobsError) -> [Job] {
    var requests = file.requests(defaults: defaults)
    var drafts: [Draft] = []
    while let line = try lines.next() { drafts += requests.read(line) }
    drafts += requests.rest()
    var jobs: [Job] = []
    for draft in drafts {
      switch draft.content {
      case .success(let job): jobs.append(job)
      case .failure(let rejection):
        throw .cannotRead(path: file.path, reason: "line \(draft.lineNumber): \(rejection.message)")
      }
    }
    return jobs
  }
}

extension Draft {
  fileprivate var lineNumber: Int {
    guard case .line(_, let number) = origin else { return 0 }
    return number
  }
}
