import Answering
import Foundation

/// A file of references: VQA v2's annotations, TextVQA's and GQA's documents, or lines with `question_id` and `label`,
/// `answer` or `answers`.
struct Annotations {
  struct Entry: Sendable {
    var id = ""
    var image: String?
    var question: String?
    var kind: String?
    var references: [String] = []

    init(_ fields: [String: JSONValue]) {
      id = fields["question_id"]?.plainID ?? ""
      image = (fields["image_id"] ?? fields["imageId"])?.plainID
      if case .string(let text)? = fields["question"] { question = text }
      for name in ["category", "answer_type"] where kind == nil {
        if case .string(let text)? = fields[name] { kind = text }
      }
      // GQA tells how a question is built.
      if case .object(let types)? = fields["types"], case .string(let text)? = types["structural"] {
        kind = text
      }
      references = (fields["answers"] ?? fields["label"] ?? fields["answer"])?.texts ?? []
    }
  }

  let entries: [Entry]
  let form: Dataset.ReferenceForm
  private var byID: [String: Int] = [:]
  /// TextVQA's are asked by LLaVA under their images' ids.
  private var byImage: [String: Int] = [:]

  /// Throws `FileJobsError` where the file is none of the forms.
  init(_ path: String) throws(FileJobsError) {
    let file = try FileDescriptor.reading(path)
    var data = Data()
    while case let chunk = try file.read(upTo: LineReader.chunkLength), !chunk.isEmpty {
      data.append(contentsOf: chunk)
      guard data.count <= DocumentQuestions.byteLimit else {
        throw .cannotRead(path: path, reason: "it has more than \(DocumentQuestions.byteLimit) bytes")
      }
    }
    do throws(Rejection) {
      (entries, form) = try Self.read(data)
    } catch {
      throw .cannotRead(path: path, reason: error.message)
    }
    for (index, entry) in entries.enumerated() {
      byID[entry.id] = index
      if let image = entry.image, let question = entry.question {
        byImage[Self.key(image, question)] = index
      }
    }
  }

  func references(of id: String, text: String) -> [String]? { entry(id, text)?.references }
  func kind(of id: String, text: String) -> String? { entry(id, text)?.kind }

  private func entry(_ id: String, _ text: String) -> Entry? {
    (byID[id] ?? byImage[Self.key(id, Self.question(of: text))]).map { entries[$0] }
  }

  private static func key(_ image: String, _ question: String) -> String {
    "\(image)\n\(question.lowercased())"
  }

  /// The question within a prompt of LLaVA's TextVQA file: the line that is neither the OCR tokens nor the advice.
  private static func question(of prompt: String) -> String {
    let lines = prompt.split(separator: "\n", omittingEmptySubsequences: false)
    let line = lines.first { !$0.hasPrefix("Reference OCR token:") } ?? ""
    return String(line)
  }

  private static func read(_ data: Data) throws(Rejection) -> ([Entry], Dataset.ReferenceForm) {
    if let lines = try lines(data) { return lines }
    let root = try JSONFields(JSONValue(parsing: data, maximumValues: .max))
    if case .array(let values)? = root["annotations"] { return (try entries(values), .vqa) }
    if case .array(let values)? = root["data"] { return (try entries(values), .textVQA) }
    var found: [Entry] = []
    for id in root.names.sorted() {
      guard case .object(let fields)? = root[id], fields["answer"] != nil else {
        throw root.bad(id, mustBe: "a question of GQA, with its answer")
      }
      var entry = Entry(fields)
      entry.id = id
      found.append(entry)
    }
    return (found, .answers)
  }

  /// nil where the file is no lines.
  private static func lines(_ data: Data) throws(Rejection) -> ([Entry], Dataset.ReferenceForm)? {
    let lines = data.split(separator: UInt8(ascii: "\n")).filter { !$0.allSatisfy(\.isJSONWhitespace) }
    guard let first = lines.first, case .object(let fields)? = try? JSONValue(parsing: Data(first)),
      fields["question_id"] != nil
    else { return nil }
    var values: [JSONValue] = []
    for line in lines { values.append(try JSONValue(parsing: Data(line))) }
    return (try entries(values), fields["label"] == nil ? .answers : .labels)
  }

  private static func entries(_ values: [JSONValue]) throws(Rejection) -> [Entry] {
    var entries: [Entry] = []
    for value in values {
      guard case .object(let fields) = value else {
        throw Rejection(.schemaViolation, "annotation \(entries.count + 1) must be an object")
      }
      entries.append(Entry(fields))
    }
    return entries
  }
}
