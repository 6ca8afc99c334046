import Adversary
import Foundation
import Testing

@testable import Answering

@Suite struct JSONParserTests {
  func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Data(text.utf8)) }

  @Test func everyKindOfValueIsRead() throws {
    let value = try parse(
      #" {"a": [null, true, false, -0, 9223372036854775807, 1.0, -2.5e-3, 1E2], "é\n\/\u00e9": {}} "#)
    #expect(
      value
        == .object([
          "a": .array([
            .null, .bool(true), .bool(false), .integer(0), .integer(.max), .number(1), .number(-0.0025),
            .number(100),
          ]),
          "é\n/é": .object([:]),
        ]))
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "[1 2]", "1 2", "tru", "nul", "True", "NaN",
    "Infinity",
    "-", "01", "1.", ".5", "+1", "1e", "0x10", "1e999", "-1e999", "\"", "\"\\", "\"\\x\"", "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\u{1}\"", "\"\n\"", "{\"a\":1,\"a\":2}", "{\"é\":1,\"e\u{301}\":2}", "\u{FEFF}{}", "// a\n1", "'a'",
    "]", "{]",
    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    let rejection = #expect(throws: Rejection.self) { try parse(text) }
    #expect(rejection?.reason == .malformedJSON)
  }

  @Test(arguments: [
    [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x7B, 0, 0x7D, 0],
  ])
  func invalidUTF8IsRefused(bytes: [UInt8]) {
    #expect(throws: Rejection.self) { try JSONValue(parsing: Data(bytes)) }
  }

  @Test func deepNestingIsRefusedWithoutDeepRecursion() {
    for opening in ["[", "{\"a\":", "[{\"a\":"] {
      let rejection = #expect(throws: Rejection.self) {
        try parse(String(repeating: opening, count: 1_000_000))
      }
      #expect(rejection?.reason == .malformedJSON)
    }
    #expect(throws: Never.self) {
      try parse(String(repeating: "[", count: 128) + String(repeating: "]", count: 128))
    }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let text = #"{"a":[1,-2.5,1e-07,true,null,"\u0000\u001f\"\\/\n é 😀"],"b":{}}"#
    let value = try parse(text)
    #expect(try parse(OrderedJSON(value).text) == value)
    #expect(OrderedJSON(value).text == text)
  }

  @Test func numbersThatJSONCannotHoldAreNull() {
    #expect(OrderedJSON.array([.number(.nan), .number(-.infinity), .number(3)]).text == "[null,null,3.0]")
  }

  /// Random bytes, and random damage to a real job: refused or read, never a trap.
  @Test func randomBytesNeverTrap() {
    var random = Fuzzing.random(2026)
    let job = Array(JobDecodingTests.interfaces.utf8)
    let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsn \u{FF}\u{0}".utf8)
    for round in 0..<20_000 * Fuzzing.rounds {
      var bytes = job
      if round % 2 == 0 {
        bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
          alphabet.randomElement(using: &random) ?? 0
        }
      } else {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let place = Int.random(in: bytes.indices, using: &random)
          switch round % 3 {
          case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes.remove(at: place)
          default: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
          }
        }
      }
      let delivery = Delivery(
        sequence: round, origin: .file("fuzz"), message: Data(bytes), limits: .files)
      if case .failure(let rejection) = delivery.content { #expect(rejection.message.utf8.count < 1000) }
      _ = try? JobResult(json: Data(bytes))
      _ = try? DeadLetter(json: Data(bytes))
    }
  }
}
