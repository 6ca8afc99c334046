/// Strings: UTF-8 is checked, escapes are resolved, half surrogate pairs are refused. NUL and bidirectional controls are
/// ordinary characters.
extension JSONParser {
  mutating func string() throws(Rejection) -> String {
    let start = offset
    guard take("\"") else { throw malformed("a string is expected") }
    let content = offset
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        let text = try text(of: UnsafeRawBufferPointer(rebasing: bytes[content..<offset]), from: start)
        offset += 1
        return text
      case UInt8(ascii: "\\"):
        return try escapedString(from: content)
      case 0..<0x20:
        throw malformed("a control character in a string must be escaped")
      default:
        offset += 1
      }
    }
    throw malformed("a string does not end", at: start)
  }

  /// The slow path, from the first backslash on.
  private mutating func escapedString(from content: Int) throws(Rejection) -> String {
    var unescaped = Array(bytes[content..<offset])
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        let text = try text(of: unescaped, from: content)
        offset += 1
        return text
      case UInt8(ascii: "\\"):
        unescaped.append(contentsOf: Array(String(try escape()).utf8))
      case 0..<0x20:
        throw malformed("a control character in a string must be escaped")
      default:
        unescaped.append(byte)
        offset += 1
      }
    }
    throw malformed("a string does not end", at: content)
  }

  private mutating func escape() throws(Rejection) -> Unicode.Scalar {
    let start = offset
    offset += 1
    guard offset < bytes.count else { throw malformed("a string does not end", at: start) }
    let letter = bytes[offset]
    offset += 1
    switch letter {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(from: start)
    default: throw malformed("an unknown escape in a string", at: start)
    }
  }

  private mutating func unicodeEscape(from start: Int) throws(Rejection) -> Unicode.Scalar {
    let first = try hexadecimal(from: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    // A surrogate: only a leading one with a trailing one after it is a character.
    guard UTF16.isLeadSurrogate(UInt16(first)), take("\\"), take("u") else {
      throw malformed("half of a surrogate pair", at: start)
    }
    let second = try hexadecimal(from: start)
    guard UTF16.isTrailSurrogate(UInt16(second)),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else {
      throw malformed("half of a surrogate pair", at: start)
    }
    return scalar
  }

  private mutating func hexadecimal(from start: Int) throws(Rejection) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
        throw malformed("\\u needs four hexadecimal digits", at: start)
      }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }

  private func text(of units: some Collection<UInt8>, from start: Int) throws(Rejection) -> String {
    guard let text = String(validating: units, as: UTF8.self) else {
      throw malformed("a string is not valid UTF-8", at: start)
    }
    return text
  }
}
