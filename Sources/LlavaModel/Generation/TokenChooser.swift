import Answering
import CLlama
import Foundation

/// Chooses one question's next token from its logits, by libllama's samplers and the question's grammar.
///
/// Not thread-safe: used from the engine's thread only.
final class TokenChooser {
  private let chain: UnsafeMutablePointer<llama_sampler>?
  private let tokenizer: Tokenizer
  private var grammar: GrammarState?

  /// Throws `Rejection` (`invalid_parameters`) for a grammar that cannot be followed.
  init(_ parameters: GenerationParameters, tokenizer: Tokenizer) throws {
    self.tokenizer = tokenizer
    do {
      grammar = try parameters.grammar.map { text in
        var grammar = try Grammar(text)
        try grammar.findTokens(tokenizer.token(named:))
        return try GrammarState(grammar)
      }
    } catch let error as InvalidGrammar {
      throw Rejection(.invalidParameters, "the grammar \(error)")
    }
    // Below, logits divided by it would overflow.
    guard parameters.temperature >= 1e-6 else {
      chain = nil
      return
    }
    let chain = llama_sampler_chain_init(llama_sampler_chain_default_params())
    if let topP = parameters.topP { llama_sampler_chain_add(chain, llama_sampler_init_top_p(topP, 1)) }
    if let minP = parameters.minP { llama_sampler_chain_add(chain, llama_sampler_init_min_p(minP, 1)) }
    llama_sampler_chain_add(chain, llama_sampler_init_temp(parameters.temperature))
    llama_sampler_chain_add(chain, llama_sampler_init_dist(Self.seed(parameters.seed)))
    self.chain = chain
  }

  /// libllama takes its default for "any", which without a seed is meant.
  private static func seed(_ seed: UInt32?) -> UInt32 {
    guard let seed else { return LLAMA_DEFAULT_SEED }
    return seed == LLAMA_DEFAULT_SEED ? seed - 1 : seed
  }

  deinit {
    if let chain { llama_sampler_free(chain) }
  }

  /// The next token. Throws `Rejection` where the grammar leaves none, or too many ways to follow, and where the
  /// logits are no numbers.
  func choose(_ logits: UnsafeBufferPointer<Float>) throws -> Int32 {
    // A padded vocabulary has rows that are no tokens.
    let logits = UnsafeBufferPointer(rebasing: logits.prefix(tokenizer.tokenCount))
    let free = try pick(logits, allowed: nil)
    // Most often the model follows the grammar by itself: trying its token alone costs less than all of them.
    // Asked in place: a copy would be made anew with each token.
    guard try !accept(free), var allowed = try grammar?.allowed(tokenizer.texts, count: logits.count)
    else { return free }
    for end in tokenizer.ends where Int(end) < allowed.count { allowed[Int(end)] = grammar?.mayEnd ?? true }
    guard allowed.contains(true) else { throw Self.stuck }
    let token = try pick(logits, allowed: allowed)
    guard try accept(token) else { throw Self.stuck }
    return token
  }

  private static let stuck = Rejection(
    .invalidParameters, "the grammar allows no continuation of the answer so far")
  /// Weights that are damaged, or overflow.
  static let noNumber = Rejection(
    .internal, "the model computed values that are no numbers; check its files with --model-sha256")

  /// Whether the grammar allows `token` next; it is then part of the answer.
  private func accept(_ token: Int32) throws -> Bool {
    if tokenizer.isEnd(token) { return grammar?.mayEnd ?? true }
    return try grammar?.accept(token, bytes: tokenizer.bytes(of: token)) ?? true
  }

  private func pick(_ logits: UnsafeBufferPointer<Float>, allowed: [Bool]?) throws -> Int32 {
    if chain == nil, allowed == nil { return try Self.greatest(logits) }
    var entries: [llama_token_data] = []
    entries.reserveCapacity(logits.count)
    for index in logits.indices where allowed?[index] ?? true {
      // libllama sorts them.
      guard logits[index].isFinite else { throw Self.noNumber }
      entries.append(llama_token_data(id: Int32(index), logit: logits[index], p: 0))
    }
    return try entries.withUnsafeMutableBufferPointer { entries in
      var candidates = llama_token_data_array(
        data: entries.baseAddress, size: entries.count, selected: -1, sorted: false)
      if let chain {
        guard focus_sampler_apply(chain, &candidates),
          (0..<Int64(candidates.size)).contains(candidates.selected)
        else { throw Self.noNumber }
      } else {
        candidates.selected = Int64(
          (0..<candidates.size).max { entries[$0].logit < entries[$1].logit } ?? 0)
      }
      let chosen = entries[Int(candidates.selected)]
      guard chosen.logit.isFinite else { throw Self.noNumber }
      return chosen.id
    }
  }

  /// The first of the greatest logits.
  private static func greatest(_ logits: UnsafeBufferPointer<Float>) throws -> Int32 {
    var best = 0
    for index in logits.indices where logits[index] > logits[best] { best = index }
    guard logits[best].isFinite else { throw noNumber }
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
