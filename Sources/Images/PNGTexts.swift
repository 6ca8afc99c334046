import Foundation

/// Texts in a PNG show nothing, and compressed ones cost seconds: libpng inflates each, a thousandfold in size and
/// in one call that cannot be stopped. They are taken out before decoding.
enum PNGTexts {
  private static let signatureLength = 8
  /// Length and name before a chunk's content, and the checksum after it.
  private static let chunkOverhead = 12
  private static let names: Set<[UInt8]> = [Array("zTXt".utf8), Array("iTXt".utf8), Array("tEXt".utf8)]

  /// The same image without its text chunks; from the first malformed chunk on, the bytes as they are.
  static func removed(from data: Data) -> Data {
    var kept: [Range<Int>] = []
    var position = data.startIndex + signatureLength
    var keptFrom = data.startIndex
    while data.endIndex - position >= chunkOverhead {
      let length = data[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
      let end = position + chunkOverhead + length
      guard end <= data.endIndex else { break }
      if names.contains(Array(data[(position + 4)..<(position + 8)])) {
        kept.append(keptFrom..<position)
        keptFrom = end
      }
      position = end
    }
    guard !kept.isEmpty else { return data }
    return kept.reduce(into: Data()) { $0 += data[$1] } + data[keptFrom...]
  }
}
