import Answering
import CLlama
import Foundation

/// Chooses one question's next token from its logits, by libllama's samplers.
///
/// Not thread-safe: used from the engine's thread only.
final class TokenChooser {
  private let chain: UnsafeMutablePointer<llama_sampler>?
  private let grammar: UnsafeMutablePointer<llama_sampler>?

  /// Throws `Rejection` (`invalid_parameters`) for a grammar that does not parse.
  init(_ parameters: GenerationParameters, tokenizer: Tokenizer) throws {
    grammar = try parameters.grammar.map { text in
      guard let grammar = focus_grammar_init(tokenizer.vocabulary, text, "root") else {
        throw Rejection(
          .invalidParameters, "the grammar does not parse: it must be GBNF with a rule named root")
      }
      return grammar
    }
    guard parameters.temperature > 0 else {
      chain = nil
      return
    }
    let chain = llama_sampler_chain_init(llama_sampler_chain_default_params())
    if let topP = parameters.topP { llama_sampler_chain_add(chain, llama_sampler_init_top_p(topP, 1)) }
    if let minP = parameters.minP { llama_sampler_chain_add(chain, llama_sampler_init_min_p(minP, 1)) }
    llama_sampler_chain_add(chain, llama_sampler_init_temp(parameters.temperature))
    llama_sampler_chain_add(chain, llama_sampler_init_dist(parameters.seed ?? LLAMA_DEFAULT_SEED))
    self.chain = chain
  }

  deinit {
    if let chain { llama_sampler_free(chain) }
    if let grammar { llama_sampler_free(grammar) }
  }

  /// The next token. Throws `Rejection` where the grammar leaves none.
  func choose(_ logits: UnsafeBufferPointer<Float>) throws -> Int32 {
    let free = try pick(logits, constrained: false)
    guard let grammar else { return free }
    // Most often the model follows the grammar by itself: trying its token alone costs less than all of them.
    let token = allows(free, grammar) ? free : try pick(logits, constrained: true)
    guard focus_sampler_accept(grammar, token) else { throw Self.stuck }
    return token
  }

  private static let stuck = Rejection(
    .invalidParameters, "the grammar allows no continuation of the answer so far")

  private func allows(_ token: Int32, _ grammar: UnsafeMutablePointer<llama_sampler>) -> Bool {
    var candidate = llama_token_data(id: token, logit: 1, p: 0)
    return withUnsafeMutablePointer(to: &candidate) { candidate in
      var candidates = llama_token_data_array(data: candidate, size: 1, selected: -1, sorted: false)
      return focus_sampler_apply(grammar, &candidates) && candidate.pointee.logit.isFinite
    }
  }

  private func pick(_ logits: UnsafeBufferPointer<Float>, constrained: Bool) throws -> Int32 {
    if chain == nil, !constrained { return Self.greatest(logits) }
    var entries = logits.enumerated().map { llama_token_data(id: Int32($0), logit: $1, p: 0) }
    return try entries.withUnsafeMutableBufferPointer { entries in
      var candidates = llama_token_data_array(
        data: entries.baseAddress, size: entries.count, selected: -1, sorted: false)
      if constrained, let grammar, !focus_sampler_apply(grammar, &candidates) { throw Self.stuck }
      if let chain {
        guard focus_sampler_apply(chain, &candidates),
          (0..<Int64(candidates.size)).contains(candidates.selected)
        else { throw Self.stuck }
      } else {
        candidates.selected = Int64(
          (0..<candidates.size).max { entries[$0].logit < entries[$1].logit } ?? 0)
      }
      let chosen = entries[Int(candidates.selected)]
      guard chosen.logit.isFinite else { throw Self.stuck }
      return chosen.id
    }
  }

  /// The first of the greatest logits.
  private static func greatest(_ logits: UnsafeBufferPointer<Float>) -> Int32 {
    var best = 0
    for index in logits.indices where logits[index] > logits[best] { best = index }
    return Int32(best)
  }
}

/// Natural logarithms of probabilities from logits.
enum LogSoftmax {
  /// The logarithm of the sum of exponentials of all `logits`.
  static func normaliser(_ logits: UnsafeBufferPointer<Float>) -> Double {
    let greatest = logits.max() ?? 0
    var sum = 0.0
    for logit in logits { sum += Double(exp(logit - greatest)) }
    return Double(greatest) + log(sum)
  }
}
