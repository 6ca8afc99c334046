/// An answer's bytes as tokens come in, watched for stop strings.
struct AnswerText {
  private var bytes: [UInt8] = []
  private let stops: [[UInt8]]

  init(stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// Adds a token's bytes. Returns whether a stop string has come; the text then ends before it.
  mutating func append(_ piece: [UInt8]) -> Bool {
    // Only windows that reach into the new bytes can hold a new stop string.
    let old = bytes.count
    bytes += piece
    var cut: Int?
    for stop in stops {
      let first = max(0, old - stop.count + 1)
      guard bytes.count - first >= stop.count else { continue }
      let found = (first...bytes.count - stop.count).first { bytes[$0..<$0 + stop.count].elementsEqual(stop) }
      if let found { cut = min(cut ?? found, found) }
    }
    if let cut { bytes.removeSubrange(cut...) }
    return cut != nil
  }

  /// The text without the space that a SentencePiece model begins with; broken UTF-8 is repaired.
  var text: String {
    var text = String(decoding: bytes, as: UTF8.self)
    if text.hasPrefix(" ") { text.removeFirst() }
    while text.last?.isNewline == true || text.last == " " { text.removeLast() }
    return text
  }
}
