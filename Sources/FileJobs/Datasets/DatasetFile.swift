import Answering
import Foundation

/// A file of questions, with its format known.
struct DatasetFile {
  let path: String
  let format: Dataset.Format
  private let beginning: Data
  private let reader: LineReader
  private let file: FileDescriptor
  private let template: ImageTemplate

  init(_ path: String, format: Dataset.Format?, imageTemplate: String?) throws(FileJobsError) {
    self.path = path
    file = try .reading(path)
    var reader = LineReader(file, limit: JobLimits.files.messageBytes)
    beginning = try reader.beginning()
    if let content = BinaryContent(beginning: beginning) {
      throw .notJobs(path: path, advice: content.advice)
    }
    self.reader = reader
    self.format = format ?? Self.guess(from: beginning)
    template = try ImageTemplate(imageTemplate ?? (self.format == .vqav2 ? nil : "{image_id}.jpg"))
  }

  func lines() throws(FileJobsError) -> DatasetLines {
    switch format {
    case .jobs: return DatasetLines(reader)
    case .llava: return DatasetLines(reader, readsReferences: true)
    case .vqav2:
      return DatasetLines(DocumentQuestions(file: file, beginning: beginning), readsReferences: true)
    case .textVQA, .gqa:
      let document = try Annotations(path)
      return DatasetLines(document.entries, template, form: document.form)
    }
  }

  func requests(defaults: GenerationParameters) -> any RequestLines {
    let format: FileFormat =
      switch self.format {
      case .jobs: .jobs
      case .vqav2: .vqav2
      case .llava, .textVQA, .gqa: .llava
      }
    return format.requests(
      file: path, limits: .files, defaults: defaults, template: template, done: [], seen: SeenKeys())
  }

  private static func guess(from beginning: Data) -> Dataset.Format {
    let fields = JSONValue.readableFields(of: beginning)
    let names = Set(JSONValue.readableNames(of: beginning))
    switch FileFormat.guess(from: beginning) {
    case .llava: return .llava
    case .vqav2: return .vqav2
    case .openAIBatch: return .jobs
    case .jobs:
      if names.contains("data"), !names.contains("job_id") { return .textVQA }
      // GQA's document is an object of questions by their ids.
      if case .object(let first)? = fields.first?.value, first["imageId"] != nil { return .gqa }
      return .jobs
    }
  }
}

/// A dataset's questions as lines of the format that `focus run` reads, with what else is known of each.
struct DatasetLines {
  /// What is known of a question beside what is asked.
  struct Known {
    var id: String
    var kind: String?
    var references: [String]?
  }

  private(set) var references = Dataset.ReferenceForm.answers
  /// One for each line read, of formats with one question a line.
  private(set) var known: [Known] = []
  private var sequence: (any LineSequence)?
  private var entries: ArraySlice<Annotations.Entry> = []
  private let readsReferences: Bool
  private let template: ImageTemplate
  private var number = 0

  init(_ sequence: any LineSequence, readsReferences: Bool = false) {
    self.sequence = sequence
    self.readsReferences = readsReferences
    template = .plain
  }

  init(_ entries: [Annotations.Entry], _ template: ImageTemplate, form: Dataset.ReferenceForm) {
    self.entries = entries[...]
    self.template = template
    references = form
    readsReferences = false
  }

  mutating func next() throws(FileJobsError) -> Line? {
    guard sequence != nil else { return entries.popFirst().map { line(of: $0) } }
    while let line = try sequence?.next() {
      if line.bytes.allSatisfy({ $0.isJSONWhitespace }) { continue }
      if readsReferences { read(line) }
      return line
    }
    return nil
  }

  private mutating func line(of entry: Annotations.Entry) -> Line {
    number += 1
    known.append(Known(id: entry.id, kind: entry.kind, references: entry.references))
    let fields: [String: JSONValue] = [
      "question_id": .string(entry.id), "image": .string(template.path(of: entry.image ?? "")),
      "text": .string(entry.question ?? ""),
    ]
    let bytes = Data(OrderedJSON(.object(fields)).utf8)
    return Line(number: number, bytes: bytes, length: bytes.count)
  }

  private mutating func read(_ line: Line) {
    // What is no object is refused where the question is read.
    guard case .object(let fields)? = try? JSONValue(parsing: line.bytes) else { return }
    let entry = Annotations.Entry(fields)
    if fields["label"] != nil { references = .labels }
    known.append(
      Known(
        id: fields["question_id"]?.plainID ?? "", kind: entry.kind,
        references: entry.references.isEmpty ? nil : entry.references))
  }
}

extension DatasetLines.Known {
  /// What the job's metadata say.
  init(of question: Question, in job: Job) {
    id = "\(job.id)/\(question.id)"
    guard case .object(let metadata)? = job.metadata else { return }
    func value(_ name: String) -> JSONValue? {
      guard case .object(let values)? = metadata[name] else { return nil }
      return values[question.id]
    }
    if case .string(let text)? = value("kinds") { kind = text }
    references = value("answers").map(\.texts)
  }
}

extension JSONValue {
  /// A text, a number as text, or all of an array's.
  var texts: [String] {
    switch self {
    case .string(let text): [text]
    case .integer(let number): [String(number)]
    case .array(let values): values.flatMap(\.texts)
    // VQA v2 has an object for each person.
    case .object(let fields): fields["answer"]?.texts ?? []
    default: []
    }
  }
}
