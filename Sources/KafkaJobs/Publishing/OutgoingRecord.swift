import Answering
import Foundation

/// A record that is to be produced.
struct OutgoingRecord: Sendable {
  enum Topic: Sendable {
    case results
    case deadLetters
  }

  var topic: Topic
  var key: [UInt8]
  var value: [UInt8]
}

extension JobOutcome {
  /// A dead letter of more bytes goes without its job's record.
  func shortened(to bytes: Int) -> JobOutcome {
    guard case .rejected(var letter, let delivery) = self, letter.json.count > bytes else { return self }
    letter.payload = letter.payload.map { _ in Payload(Data(), isTruncated: true) }
    return .rejected(letter, delivery: delivery)
  }

  /// One record for each question, or one dead letter.
  var records: [OutgoingRecord] {
    switch self {
    case .answered(let results, _, _):
      results.map { OutgoingRecord(topic: .results, key: Array($0.imageSHA256.utf8), value: $0.json) }
    case .rejected(let letter, let delivery):
      [
        OutgoingRecord(
          topic: .deadLetters, key: Array((letter.jobID ?? "\(delivery.origin)").utf8), value: letter.json)
      ]
    }
  }
}
