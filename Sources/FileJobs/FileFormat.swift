import Answering
import Foundation

/// How a file of requests and its results look (README, "Job files" and what follows it).
public enum FileFormat: String, Sendable, CaseIterable, Codable {
  /// One job a line; one result a question, or one dead letter a job.
  case jobs
  /// OpenAI's batch files of chat completions.
  case openAIBatch = "openai-batch"
  /// LLaVA's question and answer lines.
  case llava
  /// VQA v2's question document and result array.
  case vqav2

  /// Guesses from the names of the first object's fields; `jobs` where nothing fits, because its refusals say
  /// best what is wrong.
  static func guess(from beginning: Data) -> FileFormat {
    let names = Set(JSONValue.readableNames(of: beginning))
    if names.contains("job_id") { return .jobs }
    if names.contains("custom_id") || names.isSuperset(of: ["method", "body"]) { return .openAIBatch }
    if names.isSuperset(of: ["question_id", "image"]) { return .llava }
    if names.contains("questions"), !names.contains("image") { return .vqav2 }
    return .jobs
  }
}
