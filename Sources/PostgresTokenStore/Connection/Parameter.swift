import Foundation

/// A value bound to a statement, in PostgreSQL's binary form: big-endian numbers, bytes as they are.
enum Parameter: Sendable, Equatable {
  case bytes(Data)
  case text(String)
  case integer(Int)
  case byteStrings([Data])
  case texts([String])
  case integers([Int])

  /// Object identifiers of the types, fixed in PostgreSQL's catalogue (`pg_type.dat`).
  private enum TypeID {
    static let (bytea, bytes) = (UInt32(17), UInt32(1001))
    static let (text, texts) = (UInt32(25), UInt32(1009))
    static let (int8, integers) = (UInt32(20), UInt32(1016))
  }

  var type: UInt32 {
    switch self {
    case .bytes: TypeID.bytea
    case .text: TypeID.text
    case .integer: TypeID.int8
    case .byteStrings: TypeID.bytes
    case .texts: TypeID.texts
    case .integers: TypeID.integers
    }
  }

  var encoded: Data {
    switch self {
    case .bytes(let data): data
    case .text(let text): Self.encoded(text)
    case .integer(let number): Self.encoded(number)
    case .byteStrings(let elements): Self.array(elements, of: TypeID.bytea)
    case .texts(let elements): Self.array(elements.map(Self.encoded), of: TypeID.text)
    case .integers(let elements): Self.array(elements.map(Self.encoded), of: TypeID.int8)
    }
  }

  /// A text of PostgreSQL has no NUL.
  private static func encoded(_ text: String) -> Data {
    Data(text.replacingOccurrences(of: "\0", with: "\u{FFFD}").utf8)
  }

  private static func encoded(_ number: Int) -> Data {
    withUnsafeBytes(of: Int64(number).bigEndian) { Data($0) }
  }

  /// One dimension, no nulls, the first index 1 (`array_recv` in PostgreSQL's `arrayfuncs.c`).
  private static func array(_ elements: [Data], of type: UInt32) -> Data {
    var data = Data()
    func append(_ number: UInt32) { withUnsafeBytes(of: number.bigEndian) { data.append(contentsOf: $0) } }
    append(elements.isEmpty ? 0 : 1)
    append(0)
    append(type)
    if elements.isEmpty { return data }
    append(UInt32(clamping: elements.count))
    append(1)
    for element in elements {
      append(UInt32(clamping: element.count))
      data.append(element)
    }
    return data
  }
}

/// One statement of SQL with what is bound to its `$1`, `$2`, …
struct Statement: Sendable {
  var sql: String
  var parameters: [Parameter]

  init(_ sql: String, _ parameters: [Parameter] = []) {
    self.sql = sql
    self.parameters = parameters
  }
}
