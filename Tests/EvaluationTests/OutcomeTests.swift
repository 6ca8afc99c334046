import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Evaluation

struct OutcomeTests {
  private static func scored(_ scores: [[Double]], kind: String? = nil) -> [Scored] {
    scores.enumerated().flatMap { image, scores in
      scores.map { score in
        Scored(
          image: image, kind: kind, answer: score == 1 ? "a" : "b", references: ["a"], metric: .exact,
          tokens: .init(encoded: 100, compressed: 40, selected: 20))
      }
    }
  }

  private static func outcome(_ scored: [Scored], first: [Scored]? = nil) throws -> Outcome {
    try #require(
      Outcome(
        setting: "x", values: [:], scored: scored, first: first,
        seconds: .init(total: 2, vision: 1, prefill: 0.5, decode: 0.5), scaleShares: []))
  }

  /// For one question an image the interval is the textbook's: 1.96 · √(p (1 − p) / n).
  @Test func theIntervalOfIndependentQuestionsIsTheBinomialOne() throws {
    let scores = (0..<400).map { [$0 % 4 == 0 ? 0.0 : 1.0] }
    let estimate = try #require(Estimate(clusters: scores))
    let half = 1.96 * (0.75 * 0.25 / 400).squareRoot()
    #expect(estimate.mean == 0.75)
    #expect(abs(estimate.low - (0.75 - half)) < 0.01 && abs(estimate.high - (0.75 + half)) < 0.01)
  }

  /// Ten questions on an image that are all right or all wrong tell no more than one.
  @Test func questionsOnOneImageAreNoIndependentSamples() throws {
    let single = (0..<100).map { [Double($0 % 2)] }
    let repeated = single.map { Array(repeating: $0[0], count: 10) }
    let (one, ten) = (
      try #require(Estimate(clusters: single)), try #require(Estimate(clusters: repeated))
    )
    #expect(abs((one.high - one.low) - (ten.high - ten.low)) < 0.03)
  }

  @Test func differencesAreOfTheSameQuestions() throws {
    let first = Self.scored((0..<50).map { [Double($0 % 2), 0] })
    let better = Self.scored((0..<50).map { [Double($0 % 2), 1] })
    let outcome = try Self.outcome(better, first: first)
    let difference = try #require(outcome.difference)
    #expect(difference == Estimate(clusters: [[0.5], [0.5]]))
    #expect(difference.low == 0.5 && difference.high == 0.5)
  }

  @Test func failedQuestionsCountAsWrongAndAreTold() throws {
    var scored = Self.scored([[1, 1], [1]])
    scored.append(
      Scored(image: 2, kind: nil, answer: nil, references: ["a"], metric: .exact, tokens: nil))
    let outcome = try Self.outcome(scored)
    #expect(outcome.failed == 1 && outcome.accuracy.mean == 0.75)
    #expect(outcome.tokens.compressed == 40)
  }

  @Test func kindsCountTheSameInTheirMean() throws {
    let outcome = try Self.outcome(
      Self.scored([[1, 1, 1, 1]], kind: "colour") + Self.scored([[0]], kind: "reading"))
    #expect(outcome.kinds["colour"]?.mean == 1 && outcome.kinds["reading"]?.mean == 0)
    #expect(outcome.meanOfKinds == 0.5 && outcome.accuracy.mean == 0.8)
  }

  @Test func yesNoAnswersHavePrecisionAndRecall() throws {
    let pairs = [("Yes", "yes"), ("yes", "no"), ("No", "yes"), ("no", "no"), ("Yes.", "yes")]
    let scored = pairs.enumerated().map { image, pair in
      Scored(
        image: image, kind: nil, answer: pair.0, references: [pair.1], metric: .yesNo,
        tokens: .init(encoded: 1, compressed: 1, selected: 1))
    }
    let yesNo = try #require(try Self.outcome(scored).yesNo)
    #expect(abs(yesNo.precision - 2.0 / 3) < 1e-9 && abs(yesNo.recall - 2.0 / 3) < 1e-9)
    #expect(abs(yesNo.f1 - 2.0 / 3) < 1e-9 && yesNo.yesRatio == 0.6)
  }

  @Test func uniformPoolingHasNoEntropyOfScales() throws {
    let uniform = try #require(Outcome.ScaleEntropy([[2: 1], [2: 1]]))
    #expect(uniform.within == 0 && uniform.between == 0)
    let alike = try #require(Outcome.ScaleEntropy([[1: 0.5, 4: 0.5], [1: 0.5, 4: 0.5]]))
    #expect(alike.within == 1 && alike.between == 0)
    let different = try #require(Outcome.ScaleEntropy([[1: 1], [4: 1]]))
    #expect(different.within == 0 && different.between == 1)
    #expect(Outcome.ScaleEntropy([]) == nil)
  }

  @Test func nothingAskedHasNoOutcome() {
    #expect(Estimate(clusters: []) == nil && Estimate(clusters: [[]]) == nil)
  }

  @Test func tableAndChartHoldEverySetting() throws {
    let outcomes = [try Self.outcome(Self.scored([[1], [0]], kind: "colour"))]
    let lines = ReportTable(outcomes).lines
    #expect(lines.count == 3 && Set(lines.map(\.count)).count == 1)
    #expect(lines[2].contains("50.0") && lines[0].contains("colour"))
    let chart = Chart(
      title: "a < b & c", x: "x", y: "y",
      lines: [.init(name: "one", points: [.init(x: 0.1, y: 80, interval: (70, 90)), .init(x: 1, y: 90)])])
    let parser = XMLParser(data: Data(chart.svg.utf8))
    #expect(parser.parse())
    #expect(chart.svg.contains("a &lt; b &amp; c"))
    let single = Chart(title: "", x: "", y: "", lines: [.init(name: "", points: [.init(x: 1, y: 1)])])
    #expect(!single.svg.contains("nan") && !single.svg.contains("inf"))
  }
}
