import Answering
import Batching
import Foundation
import Testing
import TokenSampling

@testable import LlavaModel

/// Both samplers in the engine against the PyTorch reference in float32.
@Suite struct SamplerGoldenTests {
  static let cases = ["llava-1.5-mha", "llava-1.5-gqa", "llava-next-gqa", "llava-1.5-blocks"]
  static let plainCases = GoldenTests.cases

  @Test(arguments: cases) func compressedTokensAndScalesMatch(_ name: String) throws {
    let (golden, folder) = try Golden.load(name)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    for (sampler, budget) in golden.samplers {
      let engine = try golden.engine(in: folder) { files, settings in
        files.sampler = folder.appendingPathComponent(sampler).path
        // The reference's "no budget" is the router's own choice.
        settings.visualBudget = budget
      }
      for run in golden.runs {
        for expected in run.compressions ?? [] where expected.sampler == sampler && expected.budget == budget
        {
          let about = Comment(rawValue: "\(name) \(run.name) \(sampler) \(budget.map { "\($0)" } ?? "-")")
          let image = try engine.compress(run.tiles(bytes), .auto).image
          #expect(image.scales?.scales == Array(expected.scales.joined()), about)
          #expect(image.newlines == expected.newlines, about)
          #expect(image.overviewTokens == expected.overview_tokens, about)
          let features = image.tokens.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
          let featureError = relativeError(features, expected.features.floats(bytes))
          let rowError = relativeError(try engine.tower.rows(of: image), expected.image_rows.floats(bytes))
          #expect(featureError < 1e-3 && rowError < 1e-3, about)
          print("\(about): relative L2 error: tokens \(featureError), image rows \(rowError)")
        }
      }
    }
  }

  @Test(arguments: Set(cases + plainCases).sorted()) func selectionsMatch(_ name: String) throws {
    let (golden, folder) = try Golden.load(name)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let language = try golden.engine(in: folder).language
    var checked = 0
    for run in golden.runs {
      let plain = Golden.Compression(of: run)
      for sample in [plain] + (run.compressions ?? []) {
        for selection in sample.selections {
          for heads in HeadReduction.allCases {
            let expected = heads == .mean ? sample.importance : sample.importance_max_heads
            // What is kept was decided by the mean.
            try check(
              selection, heads, expected.row(selection.layer - 1, bytes), sample, run, language, bytes,
              about: "\(name) \(run.name) \(selection.mode) at \(selection.layer), \(heads)")
            checked += 1
          }
        }
      }
    }
    #expect(checked >= 8)
  }

  private func check(
    _ expected: Golden.Selection, _ heads: HeadReduction, _ importance: [Float], _ sample: Golden.Compression,
    _ run: Golden.Run, _ language: LanguageModel, _ bytes: Data, about: String
  ) throws {
    let about = Comment(rawValue: about)
    let amount: SelectionAmount = expected.ratio.map { .ratio($0) } ?? .cumulative(expected.share ?? 1)
    let answer = try SelectedAnswer(
      language, layer: expected.layer, heads: heads,
      mode: try #require(SelectionMode(rawValue: expected.mode)),
      amount: amount, prompt: run.prompt, imageRows: sample.image_rows.floats(bytes),
      newlines: sample.newlines
    ).run(tokens: heads == .mean ? expected.greedy.count : 1)
    let importanceError = relativeError(answer.importance, importance)
    #expect(importanceError < 1e-3, about)
    guard heads == .mean else { return }
    let kept = answer.kept
    let swapped = Set(kept).symmetricDifference(expected.kept)
    let boundary = expected.boundary.floats(bytes)
    // Scores within 1e-5 of each other may swap places at the boundary.
    #expect(
      kept.count == expected.kept.count
        && swapped.allSatisfy { token in boundary.contains { abs($0 - importance[token]) < 1e-5 } }, about)
    guard swapped.isEmpty else { return }
    let logitError = relativeError(answer.logits, expected.last_logits.floats(bytes))
    #expect(logitError < 1e-3, about)
    #expect(answer.tokens == expected.greedy, about)
    print("\(about): relative L2 error: importance \(importanceError), logits \(logitError)")
  }
}
