import Answering
import Foundation

/// The elements of a document's `questions` array, as if each were a line; its place in the array, counted from 1,
/// is its line number. The whole document is read into memory: the largest known, VQA v2's test set, has 447,793
/// questions in 50 MB.
struct DocumentQuestions: LineSequence {
  /// Bytes of a document; about ten times as much is held in memory.
  static let byteLimit = 512 << 20

  private let file: FileDescriptor
  /// What was read of the file to guess its format.
  private var beginning: Data
  private var questions: [JSONValue]?
  private var position = 0
  private(set) var bytesRead = 0

  init(file: FileDescriptor, beginning: Data) {
    self.file = file
    self.beginning = beginning
  }

  mutating func next() throws(FileJobsError) -> Line? {
    let questions = try loaded()
    guard position < questions.count else { return nil }
    let bytes = Data(OrderedJSON(questions[position]).utf8)
    position += 1
    return Line(number: position, bytes: bytes, length: bytes.count)
  }

  private mutating func loaded() throws(FileJobsError) -> [JSONValue] {
    if let questions { return questions }
    var document = beginning
    while case let chunk = try file.read(upTo: LineReader.chunkLength), !chunk.isEmpty {
      document.append(contentsOf: chunk)
      guard document.count <= Self.byteLimit else {
        throw .cannotRead(path: file.path, reason: "it has more than \(Self.byteLimit) bytes")
      }
    }
    beginning = Data()
    bytesRead = document.count
    do throws(Rejection) {
      let root = try JSONFields(JSONValue(parsing: document, maximumValues: .max))
      guard case .array(let loaded) = root["questions"] else {
        throw root.bad("questions", mustBe: "an array of questions")
      }
      questions = loaded
      return loaded
    } catch {
      throw .cannotRead(path: file.path, reason: error.message)
    }
  }
}
