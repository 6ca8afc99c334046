import Foundation

/// Strict JSON (RFC 8259) from hostile bytes, in bounded stack and memory.
///
/// Foundation's decoders are not strict enough for jobs: both take trailing commas and duplicate keys, and
/// UTF-16; `JSONDecoder` reads `1.0` as an integer and needs seconds for arrays nested 500 deep where the type
/// is open, as metadata's is; `JSONSerialization` cannot tell `true` from `1` on Linux.
struct JSONParser {
  /// Brackets may nest this deep. A job needs five levels; the rest is for metadata.
  static let maximumDepth = 128
  /// Values in one document; 256 questions with 256 choices each need 70,000. Bounds memory, because the
  /// shortest value takes two bytes in the text and about thirty once parsed.
  static let maximumValues = 250_000
  /// A number longer than this says nothing that a 64-bit float could hold.
  static let maximumNumberLength = 512

  let bytes: UnsafeRawBufferPointer
  var offset = 0
  private var values = 0
  private var valueLimit: Int

  init(_ bytes: UnsafeRawBufferPointer, maximumValues: Int = Self.maximumValues) {
    self.bytes = bytes
    valueLimit = maximumValues
  }

  /// One value with nothing but white space after it.
  mutating func document() throws(Rejection) -> JSONValue {
    let value = try value(depth: 0)
    skipWhitespace()
    guard offset == bytes.count else { throw malformed("something follows the end of the value") }
    return value
  }

  /// Reads the outermost object's fields up to its end or to the first damage.
  mutating func readableFields() -> [(name: String, value: JSONValue)] {
    var fields: [(name: String, value: JSONValue)] = []
    skipWhitespace()
    guard take("{") else { return [] }
    repeat {
      skipWhitespace()
      guard let name = try? string(), (try? expectColon()) != nil, let value = try? value(depth: 1) else {
        break
      }
      fields.append((name, value))
      skipWhitespace()
    } while take(",")
    return fields
  }

  /// Names of the outermost object's fields up to its end or to the first damage; the last one's value may be
  /// damaged or cut off.
  mutating func readableNames() -> [String] {
    var names: [String] = []
    skipWhitespace()
    guard take("{") else { return [] }
    repeat {
      skipWhitespace()
      guard let name = try? string(), (try? expectColon()) != nil else { break }
      names.append(name)
      guard (try? value(depth: 1)) != nil else { break }
      skipWhitespace()
    } while take(",")
    return names
  }

  private mutating func value(depth: Int) throws(Rejection) -> JSONValue {
    values += 1
    guard values <= valueLimit else {
      throw Rejection(.payloadTooLarge, "the message holds more than \(valueLimit) JSON values")
    }
    skipWhitespace()
    guard offset < bytes.count else { throw malformed("the message ends where a value is expected") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "N"), UInt8(ascii: "I"): throw malformed("JSON has no NaN and no Infinity")
    default: throw malformed("a value is expected")
    }
  }

  private mutating func object(depth: Int) throws(Rejection) -> [String: JSONValue] {
    try descend(depth)
    var fields: [String: JSONValue] = [:]
    skipWhitespace()
    if take("}") { return fields }
    repeat {
      skipWhitespace()
      let start = offset
      let name = try string()
      try expectColon()
      guard fields.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
        throw malformed("the key \(JSONValue.string(name).brief) occurs twice in one object", at: start)
      }
      skipWhitespace()
    } while take(",")
    guard take("}") else { throw malformed("\",\" or \"}\" is expected") }
    return fields
  }

  private mutating func array(depth: Int) throws(Rejection) -> [JSONValue] {
    try descend(depth)
    var elements: [JSONValue] = []
    skipWhitespace()
    if take("]") { return elements }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipWhitespace()
    } while take(",")
    guard take("]") else { throw malformed("\",\" or \"]\" is expected") }
    return elements
  }

  private mutating func descend(_ depth: Int) throws(Rejection) {
    guard depth < Self.maximumDepth else {
      throw malformed("brackets are nested more than \(Self.maximumDepth) deep")
    }
    offset += 1
  }

  private mutating func expectColon() throws(Rejection) {
    skipWhitespace()
    guard take(":") else { throw malformed("\":\" is expected after a key") }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Rejection) -> JSONValue {
    let expected = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes[offset...].starts(with: expected) else { throw malformed("a value is expected") }
    offset += expected.count
    return value
  }

  private mutating func number() throws(Rejection) -> JSONValue {
    let start = offset
    _ = take("-")
    let leadingZero = offset < bytes.count && bytes[offset] == UInt8(ascii: "0")
    let integerDigits = skipDigits()
    guard integerDigits > 0, !leadingZero || integerDigits == 1 else {
      throw malformed("a bad number", at: start)
    }
    var isInteger = true
    if take(".") {
      isInteger = false
      guard skipDigits() > 0 else { throw malformed("a bad number", at: start) }
    }
    if take("e") || take("E") {
      isInteger = false
      _ = take("+") || take("-")
      guard skipDigits() > 0 else { throw malformed("a bad number", at: start) }
    }
    guard offset - start <= Self.maximumNumberLength else {
      throw malformed("a number is too long", at: start)
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else {
      throw malformed("a number is beyond the range of a 64-bit float", at: start)
    }
    return isInteger ? .bigInteger(text) : .number(number)
  }

  private mutating func skipDigits() -> Int {
    let start = offset
    while offset < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset]) {
      offset += 1
    }
    return offset - start
  }

  private mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  func malformed(_ problem: String, at place: Int? = nil) -> Rejection {
    Rejection(.malformedJSON, "not valid JSON at byte \(place ?? offset): \(problem)")
  }
}
