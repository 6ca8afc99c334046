/// Any JSON value, kept as it came so that metadata is echoed unchanged.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A whole number beyond 64 bits, in its digits.
  case bigInteger(String)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}
