import CPostgres
import Foundation

/// What one statement returned, in binary form. Owns libpq's result; used by the thread that asked.
final class QueryResult {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) {
    self.handle = handle
  }

  deinit { PQclear(handle) }

  var status: ExecStatusType { PQresultStatus(handle) }
  var rows: Range<Int> { 0..<Int(PQntuples(handle)) }

  /// The five characters of SQLSTATE; empty where the server gave none.
  var state: String {
    PQresultErrorField(handle, Int32(UInt8(ascii: "C"))).map { String(cString: $0) } ?? ""
  }

  /// The server's words, without the statement's text.
  var message: String {
    (PQresultErrorField(handle, Int32(UInt8(ascii: "M"))) ?? PQresultErrorMessage(handle))
      .map { String(cString: $0) } ?? ""
  }

  func isNull(_ row: Int, _ column: Int) -> Bool {
    PQgetisnull(handle, Int32(clamping: row), Int32(clamping: column)) != 0
  }

  /// Empty for a null.
  func bytes(_ row: Int, _ column: Int) -> Data {
    withBytes(row, column) { Data($0) }
  }

  func text(_ row: Int, _ column: Int) -> String {
    withBytes(row, column) { String(decoding: $0, as: UTF8.self) }
  }

  /// Of an `int8`, `int4` or `bool`. Throws `PostgresError.unexpectedAnswer` for a null or another size.
  func integer(_ row: Int, _ column: Int) throws -> Int {
    try withBytes(row, column) { bytes in
      guard [1, 4, 8].contains(bytes.count) else {
        throw PostgresError.unexpectedAnswer("a number of \(bytes.count) bytes")
      }
      // The first byte holds the sign.
      let first = bytes.count == 1 ? Int(bytes[0]) : Int(Int8(bitPattern: bytes[0]))
      return bytes.dropFirst().reduce(first) { $0 << 8 | Int($1) }
    }
  }

  private func withBytes<Value>(
    _ row: Int, _ column: Int, _ read: (UnsafeRawBufferPointer) throws -> Value
  ) rethrows -> Value {
    let (row, column) = (Int32(clamping: row), Int32(clamping: column))
    // libpq answers nil, and says so on standard error, for a place that is not there.
    guard row < PQntuples(handle), column < PQnfields(handle) else {
      return try read(.init(start: nil, count: 0))
    }
    let count = Int(PQgetlength(handle, row, column))
    return try read(UnsafeRawBufferPointer(start: PQgetvalue(handle, row, column), count: count))
  }
}
