import Answering
import Batching
import TokenSampling

/// One question's answer with what the samplers did on the way to it.
public struct Inspection: Sendable {
  public var answer: Answer
  public var ledger: TokenLedger
  public var prefillMilliseconds: Double
  public var decodeMilliseconds: Double
  /// Where each compressed token comes from.
  public var places: TokenPlaces
  /// The compressed tokens that the question keeps, ascending; nil where it keeps all.
  public var kept: [Int]?
  /// `[layer, compressed token]`, for each layer of the model with nothing dropped before it.
  public var importance: [[Float]]
  /// The layer that questions select at, from 1, whether this one did or not.
  public var selectionLayer: Int
  /// How a token's importance comes from the heads'.
  public var heads: HeadReduction
  /// How many tokens the question was to keep; nil where it keeps all.
  public var amount: SelectionAmount?
  /// The vision-guided sampler's settings, and whether a learned router decided the scales.
  public var sampler: VisionGuidedSampler
  public var routerIsLearned: Bool
}

extension LlavaModel {
  /// Answers one question, as `answer` would, and looks at its importance at every layer, which computes the whole
  /// prompt once more.
  ///
  /// Blocks the compute thread to the end. Throws a `Rejection` where the question cannot be answered or others are
  /// being answered, `EnvironmentFailure` where the device fails.
  public func inspect(_ question: Question, about image: CompressedImage, key: TokenKey) throws -> Inspection
  {
    guard isIdle else {
      throw Rejection(.internal, "the model is answering other questions; inspect when it has finished")
    }
    do {
      return try engine.inspect(question, about: image, key: key)
    } catch let rejection as Rejection {
      throw rejection
    } catch {
      throw EnvironmentFailure("\(error)")
    }
  }
}

extension Engine {
  /// Runs alone: no group may be in flight.
  func inspect(_ question: Question, about image: CompressedImage, key: TokenKey) throws -> Inspection {
    var completions = try submit([question], about: image, key: key, request: 0)
    // The group leaves with its answer.
    let group = groups.values.first
    while completions.isEmpty, let finished = try step() { completions = finished }
    guard let reply = completions.first?.reply else {
      throw Rejection(.internal, "the question got no reply")
    }
    let answer = try reply.outcome.get()
    guard let group, let ledger = reply.visualTokens else {
      throw Rejection(.internal, "the question left no trace")
    }
    let asked = group.questions[0]
    let side = tower.parameters.patchesPerSide
    return Inspection(
      answer: answer, ledger: ledger, prefillMilliseconds: reply.prefillMilliseconds,
      decodeMilliseconds: reply.decodeMilliseconds,
      places: compressor.sampler.places(
        overview: GridSize(columns: side, rows: side), hasOverviewTokens: image.overviewTokens > 0,
        map: image.map, scales: image.scales),
      kept: asked.kept.map { kept in
        let rows = Set(kept.rows)
        return group.prefix.visualRows.indices.filter { rows.contains(group.prefix.visualRows[$0]) }
      },
      importance: try importance(for: asked, image: image, key: key), selectionLayer: selection.layer,
      heads: selection.heads, amount: asked.selection?.amount, sampler: compressor.sampler,
      routerIsLearned: compressor.choice == .learned)
  }

  /// `[layer, visual token]`, from the whole prompt in every layer.
  private func importance(
    for asked: QuestionState, image: CompressedImage, key: TokenKey
  ) throws -> [[Float]] {
    let prefixKey = PrefixState.Key(
      image: key, system: prompt.system(asked.question.parameters.system), sharesAllLayers: true)
    let prefix = prefixes.state(prefixKey) { id in
      PrefixState(
        id: id, tokens: prompt.tokensBeforeImage(system: prefixKey.systemText), image: image, tower: tower)
    }
    let group = nextGroup
    nextGroup += 1
    scheduler.add(
      GroupPlan(
        id: group, prefixRows: prefix.rowCount, prefix: prefix.id,
        questions: [QuestionPlan(promptRows: asked.promptTokens.count, selects: true, answerRows: 0)]))
    defer { scheduler.finish(group: group, question: 0) }
    let layers = LayerImportance(
      language: language, heads: selection.heads, visualRows: prefix.visualRows,
      questionRows: asked.questionRows)
    while let step = scheduler.nextStep(), let slice = step.slices.first {
      prefixes.forget(scheduler.takeEvicted())
      let importance = try layers.compute(step) { content in
        switch content {
        case .prefix(let index): try prefix.source(of: index)
        case .prompt(_, let index): .token(asked.promptTokens[index])
        case .branch, .answer: .token(0)
        }
      }
      if slice.endsPrefix(of: prefix.rowCount) { prefix.wasComputed() }
      if let importance { return importance }
    }
    throw Rejection(.internal, "the question's importance could not be computed")
  }
}
