/// Tries all texts of a vocabulary in a grammar. Texts with a common beginning share its steps, and a step that
/// comes again, after whatever text, is taken once.
struct VocabularyWalk {
  private struct Step: Hashable {
    var ways: Int
    var scalar: UInt32
  }

  private let texts: TokenTexts
  private var state: GrammarState
  private var found: [Int32] = []
  private var known: [GrammarState.Ways] = []
  private var numbers: [GrammarState.Ways: Int] = [:]
  /// Where steps lead; nil for nowhere.
  private var steps: [Step: Int?] = [:]

  init(_ texts: TokenTexts, from state: GrammarState) {
    self.texts = texts
    self.state = state
  }

  /// The tokens whose text may come next. Throws `Rejection` where there are too many ways to follow.
  mutating func tokens(_ ways: GrammarState.Ways, _ partial: PartialScalar) throws -> [Int32] {
    try walk(texts.indices, depth: 0, number(of: ways), partial)
    return found
  }

  /// `range` holds texts that are alike up to `depth`.
  private mutating func walk(_ range: Range<Int>, depth: Int, _ ways: Int, _ partial: PartialScalar) throws {
    var rest = range
    while !rest.isEmpty {
      let run = texts.run(in: rest, at: depth)
      rest = run.upperBound..<rest.upperBound
      if let byte = texts.byte(run.lowerBound, at: depth) {
        var scalar = partial
        guard scalar.take(byte), let next = scalar.isWhole ? try after(scalar, ways) : ways else { continue }
        try walk(run, depth: depth + 1, next, scalar)
      } else if state.mayStop(known[ways], partial) {
        for index in run { found.append(texts.token(index)) }
      }
    }
  }

  private mutating func after(_ scalar: PartialScalar, _ ways: Int) throws -> Int? {
    let step = Step(ways: ways, scalar: scalar.possible.lowerBound)
    if let next = steps[step] { return next }
    let next = try state.after(scalar, known[ways])
    let reached = next.areNone ? nil : number(of: next)
    steps[step] = .some(reached)
    return reached
  }

  private mutating func number(of ways: GrammarState.Ways) -> Int {
    if let number = numbers[ways] { return number }
    known.append(ways)
    numbers[ways] = known.count - 1
    return known.count - 1
  }
}
