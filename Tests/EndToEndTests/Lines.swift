import Adversary
import Foundation
import Testing

/// A job line from pieces of JSON, so that any of them can be wrong.
func jobLine(
  _ id: String, uri: String = "cat.jpg", image: String? = nil, text: String = "What is this?",
  parameters: String = "{}", questions: String? = nil, more: String = ""
) -> String {
  let image = image ?? #"{"uri":"\#(uri)"}"#
  let questions = questions ?? #"[{"question_id":"q","text":"\#(text)","parameters":\#(parameters)}]"#
  return #"{"job_id":"\#(id)","image":\#(image),"questions":\#(questions)\#(more)}"#
}

/// One line of an output: a result or a dead letter.
struct OutputLine: Decodable, Sendable {
  struct Failure: Decodable, Sendable {
    var code: String
    var message: String
  }
  struct Source: Decodable, Sendable {
    var line: Int?
  }

  var jobId: String?
  var questionId: String?
  var answer: String?
  var choiceProbabilities: [String: Double]?
  var error: Failure?
  var reason: String?
  var message: String?
  var source: Source?
  var tokenCache: String?

  /// The code of a refusal or error, with its message.
  var failure: Failure? {
    error ?? reason.map { Failure(code: $0, message: message ?? "") }
  }

  /// What tells an answer from all others.
  var question: String { "\(jobId ?? "?")/\(questionId ?? "?")" }
}

extension TemporaryFolder {
  /// The lines of a results file, each of them whole.
  func results(_ name: String) throws -> [OutputLine] {
    try lines(name).map { line in
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(OutputLine.self, from: line)
    }
  }

  /// The lines of a file; the last of them must end.
  func lines(_ name: String) throws -> [Data] {
    let content = try data(name)
    #expect(content.isEmpty || content.last == UInt8(ascii: "\n"), "\(name) ends in a half line")
    return content.split(separator: UInt8(ascii: "\n"))
  }

  /// Runs `focus run` over a file of this folder.
  func run(
    _ input: String, output: String, model: String = "llava-next-gqa", _ more: [String] = [],
    fileBlocks: Int? = nil
  ) throws -> FocusRun {
    try FocusRun(
      [
        "run", "--model", Package.model(model), "--threads", "1", "--max-tokens", "6", "--input", path(input),
        "--output", path(output),
      ] + more, in: self, fileBlocks: fileBlocks)
  }

  /// Copies images of the package into this folder.
  func add(images: [String], to folder: String = "") throws {
    for name in images {
      try write(Package.image(name), to: folder.isEmpty ? name : "\(folder)/\(name)")
    }
  }
}
