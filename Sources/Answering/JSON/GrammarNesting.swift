/// Measures how deep a GBNF grammar's brackets nest, because libllama's parser calls itself for each one.
enum GrammarNesting {
  /// Reads the grammar as libllama does: brackets inside "literals", [classes], <tokens> and # comments
  /// group nothing.
  static func depth(of grammar: String) -> Int {
    var depth = 0
    var deepest = 0
    var end: UInt8?
    var isEscaped = false
    for byte in grammar.utf8 {
      if let closing = end {
        let escapes = closing == UInt8(ascii: "\"") || closing == UInt8(ascii: "]")
        if isEscaped {
          isEscaped = false
        } else if escapes, byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == closing || (closing == UInt8(ascii: "\n") && byte == UInt8(ascii: "\r")) {
          end = nil
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): end = byte
      case UInt8(ascii: "["): end = UInt8(ascii: "]")
      case UInt8(ascii: "<"): end = UInt8(ascii: ">")
      case UInt8(ascii: "#"): end = UInt8(ascii: "\n")
      case UInt8(ascii: "("):
        depth += 1
        deepest = max(deepest, depth)
      case UInt8(ascii: ")"): depth = max(0, depth - 1)
      default: break
      }
    }
    return deepest
  }
}
