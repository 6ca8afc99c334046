import Foundation

extension JSONValue {
  /// Reads one strict JSON document. Throws `Rejection` with `malformed_json`, or `payload_too_large` for one
  /// with more than `maximumValues` values.
  package init(parsing document: Data, maximumValues: Int? = nil) throws(Rejection) {
    let parsed: Result<JSONValue, Rejection> = document.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes, maximumValues: maximumValues ?? JSONParser.maximumValues)
      do throws(Rejection) {
        return .success(try parser.document())
      } catch {
        return .failure(error)
      }
    }
    self = try parsed.get()
  }

  /// The fields of a document's outermost object up to its end or to the first damage.
  package static func readableFields(of document: Data) -> [(name: String, value: JSONValue)] {
    document.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes)
      return parser.readableFields()
    }
  }

  /// The names of a document's outermost fields up to its end or to the first damage; of the last field the
  /// value may be cut off.
  package static func readableNames(of document: Data) -> [String] {
    document.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes)
      return parser.readableNames()
    }
  }

  /// The value in a message, short whatever it holds.
  package var brief: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return String(value)
    case .integer(let value): return String(value)
    case .bigInteger(let digits): return digits.count > 40 ? "\(digits.prefix(40))…" : digits
    case .number(let value): return String(value)
    case .array(let elements): return elements.isEmpty ? "an empty array" : "an array of \(elements.count)"
    case .object: return "an object"
    case .string(let text):
      // By scalars: one character may be endless combining marks.
      let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(40)))
      let quoted = OrderedJSON.string(start).text
      return start.utf8.count == text.utf8.count ? quoted : quoted.dropLast() + "…\""
    }
  }
}
