import Answering
import Crypto
import Evaluation
import FileJobs
import Foundation

/// All answers of one setting, as they are kept in a file: to be looked into, and not to be computed again.
struct SettingAnswers: Codable {
  /// What must be the same for the answers to be the same.
  struct Basis: Codable, Equatable {
    var setting: String
    var model: ModelIdentity
    /// SHA-256 of the questions, references and parameters.
    var questions: String

    /// The file's name within the output's folder.
    var fileName: String {
      let digest = SHA256.hash(data: Data("\(setting)\n\(model.fingerprint)\n\(questions)".utf8))
      return "answers-\(digest.prefix(4).map { String(format: "%02x", $0) }.joined()).json"
    }
  }

  struct Row: Codable {
    var id: String
    /// Number of the image in the dataset, from 0.
    var image: Int
    var kind: String?
    var question: String
    /// nil where the question failed.
    var answer: String?
    var error: String?
    var references: [String]
    var score: Double?
    var tokens: Tokens?
  }

  struct Tokens: Codable {
    var encoded: Int
    var compressed: Int
    var selected: Int
  }

  var basis: Basis
  var seconds: Outcome.Seconds
  /// Each image's share of blocks at each scale.
  var scaleShares: [[Int: Double]]
  var rows: [Row]

  func scored(_ metric: Metric) -> [Scored] {
    rows.map { row in
      Scored(
        image: row.image, kind: row.kind, answer: row.answer, references: row.references, metric: metric,
        tokens: row.tokens.map {
          .init(encoded: $0.encoded, compressed: $0.compressed, selected: $0.selected)
        })
    }
  }

  /// Are these answers to the dataset's questions, in its order?
  func answer(_ dataset: Dataset) -> Bool {
    let asked = dataset.jobs.flatMap(\.questions)
    return rows.count == asked.count
      && zip(rows, asked).allSatisfy { row, question in
        let item = Int(question.id).map { dataset.items[$0] }
        return row.id == item?.id ?? question.id && row.question == question.text
          && row.references == item?.references ?? []
      }
  }

  /// nil where the folder holds no answers of this basis, or damaged ones.
  static func read(_ basis: Basis, in folder: URL?) -> SettingAnswers? {
    guard let folder,
      let data = try? Data(contentsOf: folder.appendingPathComponent(basis.fileName)),
      let answers = try? JSONDecoder().decode(SettingAnswers.self, from: data), answers.basis == basis
    else { return nil }
    return answers
  }

  /// - Parameter metric: by which the rows are scored.
  func write(to folder: URL, _ metric: Metric) throws {
    var answers = self
    for (index, scored) in scored(metric).enumerated() { answers.rows[index].score = scored.score }
    try EvaluationReport.encoded(answers).write(
      to: folder.appendingPathComponent(basis.fileName), options: .atomic)
  }
}
