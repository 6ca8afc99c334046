/// An object of a message, read field by field. Every complaint names the field's path and what is allowed.
package struct JSONFields: Sendable {
  /// Where the object stands in the message, as in `questions[2].parameters`; empty for the message itself.
  package let path: String
  /// The code for a field with a bad value.
  package let reason: RejectionReason
  private var fields: [String: JSONValue]

  /// Throws `schema_violation` where the value is no object.
  package init(
    _ value: JSONValue, at path: String = "", reason: RejectionReason = .schemaViolation
  ) throws(Rejection) {
    guard case .object(let fields) = value else {
      let place = path.isEmpty ? "the message" : path
      throw Rejection(.schemaViolation, "\(place) must be an object, not \(value.brief)")
    }
    self.path = path
    self.reason = reason
    self.fields = fields
  }

  /// The same object without one of its fields, which was read elsewhere.
  package func without(_ name: String) -> JSONFields {
    var rest = self
    rest.fields[name] = nil
    return rest
  }

  /// The same object without fields that are null, for formats where null means absent.
  package var withoutNulls: JSONFields {
    var rest = self
    rest.fields = fields.filter { $0.value != .null }
    return rest
  }

  package subscript(name: String) -> JSONValue? { fields[name] }

  package var names: Dictionary<String, JSONValue>.Keys { fields.keys }

  package func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Refuses fields of any other name: a misspelt one must not be ignored.
  package func allow(only names: [String]) throws(Rejection) {
    let unknown = fields.keys.filter { !names.contains($0) }
    guard let name = unknown.min() else { return }
    let shown =
      name.unicodeScalars.count <= 64 ? path(of: name) : "a field of \(path.isEmpty ? "the message" : path)"
    let advice =
      FieldNames.suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
      ?? "known here: \(names.joined(separator: ", "))"
    throw Rejection(.schemaViolation, "\(OrderedJSON.string(shown).text) is not a known field; \(advice)")
  }

  /// The complaint about a field's value.
  package func bad(_ name: String, mustBe allowed: String) -> Rejection {
    guard let value = fields[name] else {
      return Rejection(reason, "\(path(of: name)) is missing; it must be \(allowed)")
    }
    return Rejection(reason, "\(path(of: name)) must be \(allowed), not \(value.brief)")
  }
}

// MARK: - Optional fields: nil where absent

extension JSONFields {
  /// Text of so many Unicode scalars (as JSON Schema counts characters).
  package func text(_ name: String, length: ClosedRange<Int>) throws(Rejection) -> String? {
    guard let value = fields[name] else { return nil }
    guard case .string(let text) = value else {
      throw bad(name, mustBe: "text of \(length.spoken) characters")
    }
    let count = text.unicodeScalars.count
    guard length.contains(count) else {
      throw Rejection(reason, "\(path(of: name)) must have \(length.spoken) characters, not \(count)")
    }
    return text
  }

  /// An integer; `64.0` is one, as in JSON Schema.
  package func integer(_ name: String, in range: ClosedRange<Int>) throws(Rejection) -> Int? {
    let value: Int?
    switch fields[name] {
    case nil: return nil
    case .integer(let integer): value = Int(exactly: integer)
    case .number(let number): value = Int(exactly: number)
    default: value = nil
    }
    guard let value, range.contains(value) else { throw bad(name, mustBe: "an integer of \(range.spoken)") }
    return value
  }

  /// A number of the type asked for, in the range after rounding.
  package func number<Value: BinaryFloatingPoint>(
    _ name: String, allowed: String, where isAllowed: (Value) -> Bool
  ) throws(Rejection) -> Value? {
    let value: Value
    switch fields[name] {
    case nil: return nil
    case .integer(let integer): value = Value(integer)
    case .number(let number): value = Value(number)
    default: throw bad(name, mustBe: "a number \(allowed)")
    }
    guard value.isFinite, isAllowed(value) else { throw bad(name, mustBe: "a number \(allowed)") }
    return value
  }

  package func boolean(_ name: String) throws(Rejection) -> Bool? {
    switch fields[name] {
    case nil: return nil
    case .bool(let value): return value
    default: throw bad(name, mustBe: "true or false")
    }
  }

  package func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String, of type: Value.Type
  ) throws(Rejection) -> Value? {
    guard let value = fields[name] else { return nil }
    guard case .string(let text) = value, let choice = Value(rawValue: text) else {
      throw bad(name, mustBe: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// Distinct texts of 1 to 1,024 characters.
  package func texts(_ name: String, count: ClosedRange<Int>) throws(Rejection) -> [String]? {
    guard let value = fields[name] else { return nil }
    guard case .array(let elements) = value, count.contains(elements.count) else {
      throw bad(name, mustBe: "an array of \(count.spoken) texts")
    }
    var texts: [String] = []
    var seen: Set<String> = []
    for (index, element) in elements.enumerated() {
      guard case .string(let text) = element, (1...1024).contains(text.unicodeScalars.count) else {
        let place = "\(path(of: name))[\(index)]"
        throw Rejection(reason, "\(place) must be text of 1–1024 characters, not \(element.brief)")
      }
      guard seen.insert(text).inserted else {
        throw Rejection(reason, "\(path(of: name))[\(index)] repeats \(element.brief)")
      }
      texts.append(text)
    }
    return texts
  }
}

extension ClosedRange<Int> {
  /// As in "1–256".
  fileprivate var spoken: String {
    lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)–\(upperBound)"
  }
}
