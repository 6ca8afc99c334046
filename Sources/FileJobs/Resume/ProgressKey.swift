import Answering
import Crypto
import Foundation

/// Names one thing that is done and must not be done again when a run is resumed: 128 bits of SHA-256, so that
/// a hundred million of them fit in memory.
struct ProgressKey: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64

  /// A question of a job has a result.
  static func answer(job: String, question: String) -> ProgressKey {
    ProgressKey("answer", Data(job.utf8), Data(question.utf8))
  }

  /// A request of an OpenAI batch has a response or an error.
  static func request(_ customID: String) -> ProgressKey {
    ProgressKey("request", Data(customID.utf8), Data())
  }

  /// A question of a LLaVA or VQA file has an answer; `id` as JSON, `occurrence` counts lines with both from 0.
  static func question(_ id: String, text: String, occurrence: Int) -> ProgressKey {
    ProgressKey("question \(occurrence)", Data(id.utf8), Data(text.utf8))
  }

  /// A line was refused. Its content counts: once repaired, it is asked.
  static func refusedLine(_ number: Int, payload: Payload?) -> ProgressKey {
    ProgressKey("line", Data(String(number).utf8), payload?.bytes ?? Data())
  }

  /// A job that is no line was refused.
  static func refusedJob(_ id: String) -> ProgressKey {
    ProgressKey("job", Data(id.utf8), Data())
  }

  /// 32 hexadecimal digits.
  var text: String {
    [high, low].map { value in
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// From `text`.
  init?(text: String) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.high = high
    self.low = low
  }

  private init(_ domain: String, _ first: Data, _ second: Data) {
    var hash = SHA256()
    // The length keeps ("ab", "c") apart from ("a", "bc").
    hash.update(data: Data("\(domain) \(first.count) ".utf8))
    hash.update(data: first)
    hash.update(data: second)
    let bytes = Array(hash.finalize())
    high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
