/// The bytes of a vocabulary's tokens in their order, so that tokens with a common beginning are looked at together.
struct TokenTexts: Sendable {
  /// A walk calls itself for each byte of a text; no vocabulary needs longer ones.
  static let longest = 256

  private let tokens: [Int32]
  private let texts: [[UInt8]]

  /// `bytes` gives the text of a token; tokens without one are left out.
  init(_ all: some Sequence<Int32>, bytes: (Int32) -> [UInt8]) {
    let sorted = all.map { (token: $0, text: bytes($0)) }
      .filter { !$0.text.isEmpty && $0.text.count <= Self.longest }
      .sorted { $0.text.lexicographicallyPrecedes($1.text) }
    tokens = sorted.map(\.token)
    texts = sorted.map(\.text)
  }

  var indices: Range<Int> { tokens.indices }

  func token(_ index: Int) -> Int32 { tokens[index] }

  /// The byte at `depth`; nil where the text ends before.
  func byte(_ index: Int, at depth: Int) -> UInt8? { depth < texts[index].count ? texts[index][depth] : nil }

  /// How many texts at the start of `range`, which are alike up to `depth`, have the same byte there.
  func run(in range: Range<Int>, at depth: Int) -> Range<Int> {
    let byte = byte(range.lowerBound, at: depth)
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if self.byte(middle, at: depth) == byte { low = middle + 1 } else { high = middle }
    }
    return range.lowerBound..<low
  }
}
