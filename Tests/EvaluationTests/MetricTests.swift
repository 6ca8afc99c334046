import Foundation
import Testing

@testable import Evaluation

/// Scores against those of the official evaluations of VQA v2, TextVQA and POPE, run on the same answers.
struct MetricTests {
  private struct Official: Decodable {
    struct Consensus: Decodable {
      var answer: String
      var references: [String]
      var vqa: Double
      var textvqa: Double
    }
    struct YesNo: Decodable {
      var answer: String
      var yes: Bool
    }
    var consensus: [Consensus]
    var pope: [YesNo]
  }

  private static func official() throws -> Official {
    let file = try #require(
      Bundle.module.url(forResource: "official-scores", withExtension: "json", subdirectory: "Fixtures"))
    return try JSONDecoder().decode(Official.self, from: Data(contentsOf: file))
  }

  @Test func vqaAndTextVQAScoreAsTheOfficialEvaluations() throws {
    let official = try Self.official()
    #expect(official.consensus.count >= 400)
    for one in official.consensus {
      let about = Comment(rawValue: "\(one.answer.debugDescription) of \(one.references)")
      #expect(abs(Metric.vqa.score(one.answer, one.references) - one.vqa) < 1e-6, about)
      #expect(abs(Metric.textVQA.score(one.answer, one.references) - one.textvqa) < 1e-6, about)
    }
  }

  @Test func yesAndNoAreReadAsPOPEDoes() throws {
    for one in try Self.official().pope {
      #expect(Metric.saysYes(one.answer) == one.yes, Comment(rawValue: one.answer.debugDescription))
    }
  }

  @Test func exactForgetsCaseAndTheLastPeriod() {
    #expect(Metric.exact.score(" Blue. ", ["red", "blue"]) == 1)
    #expect(Metric.exact.score("light blue", ["blue"]) == 0)
    #expect(Metric.exact.score("3.5", ["35"]) == 0)
  }

  @Test func aSingleReferenceIsEnough() {
    #expect(Metric.vqa.score("two", ["two"]) == 1)
    #expect(Metric.vqa.score("two", []) == 0)
  }
}
