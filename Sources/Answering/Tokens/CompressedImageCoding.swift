import Crypto
import Foundation
import TokenSampling

/// The binary form of a compressed image, version 1. Little-endian.
///
/// | bytes | what |
/// |---|---|
/// | 8 | `FOCUSIMG` |
/// | 4 × 10 | version; element type (0 F32, 1 F16, 2 Q8_0); channels; overview tokens; tokens; map columns and rows; block side, 0 without a scale map; newlines; encoded tokens |
/// | 32 | the key it was stored under |
/// | 1 each | scale of each block, in raster order |
/// | 4 each | newline places |
/// | … | tokens |
/// | 32 | SHA-256 of all before |
public enum CompressedImageCoding {
  static let magic = Array("FOCUSIMG".utf8)
  static let version = 1
  private static let types: [TokenType] = [.f32, .f16, .q8]
  /// Counts above this are not believed: they keep sums of sizes far from overflow.
  private static let largestCount = 1 << 28

  public static func encode(_ image: CompressedImage, key: TokenKey) -> Data {
    var data = Data(capacity: image.tokens.count + 4096)
    data += magic
    let fields = [
      version, types.firstIndex(of: image.type) ?? 0, image.channels, image.overviewTokens, image.tokenCount,
      image.map.columns, image.map.rows, image.scales?.blocks.side ?? 0, image.newlines.count,
      image.encodedTokens,
    ]
    for field in fields { append(field, to: &data) }
    data += key.digest
    data += image.scales?.scales ?? []
    for place in image.newlines { append(place, to: &data) }
    data += image.tokens
    data += Array(SHA256.hash(data: data))
    return data
  }

  /// Throws `TokenBlobError` for anything that `encode` did not write under `key`.
  public static func decode(_ data: Data, key: TokenKey) throws(TokenBlobError) -> CompressedImage {
    guard data.count >= SHA256.byteCount, data.starts(with: magic) else { throw .notACompressedImage }
    let body = data.dropLast(SHA256.byteCount)
    var reader = Reader(bytes: body.dropFirst(magic.count))
    let version = try reader.count()
    guard version == Self.version else { throw .otherVersion(version) }
    guard data.suffix(SHA256.byteCount).elementsEqual(SHA256.hash(data: body)) else { throw .damaged }
    let typeIndex = try reader.count()
    guard types.indices.contains(typeIndex) else { throw .inconsistent }
    let type = types[typeIndex]
    let (channels, overview, tokens) = (try reader.count(), try reader.count(), try reader.count())
    let map = GridSize(columns: try reader.count(), rows: try reader.count())
    let (side, newlineCount, encoded) = (try reader.count(), try reader.count(), try reader.count())
    guard try reader.bytes(SHA256.byteCount) == key.digest else { throw .ofAnotherKey }
    var scales: ScaleMap?
    if side > 0 {
      let blocks = BlockGrid(map: map, side: side)
      guard let read = ScaleMap(blocks: blocks, scales: try reader.bytes(blocks.count)),
        overview + read.tokenCount == tokens
      else { throw .inconsistent }
      scales = read
    }
    // Without a scale map nothing was pooled.
    guard scales != nil || overview + map.count == tokens, tokens <= encoded else { throw .inconsistent }
    var newlines: [Int] = []
    for _ in 0..<newlineCount {
      let place = try reader.count()
      guard (newlines.last ?? 0) <= place, place <= tokens else { throw .inconsistent }
      newlines.append(place)
    }
    guard channels > 0, type.holds(channels: channels), overview <= tokens else { throw .inconsistent }
    let image = CompressedImage(
      tokens: try reader.bytes(tokens * type.bytes(channels: channels)), type: type, channels: channels,
      overviewTokens: overview, newlines: newlines, map: map, scales: scales, encodedTokens: encoded)
    guard reader.isAtEnd else { throw .inconsistent }
    return image
  }

  private static func append(_ value: Int, to data: inout Data) {
    withUnsafeBytes(of: UInt32(clamping: value).littleEndian) { data.append(contentsOf: $0) }
  }

  private struct Reader {
    var bytes: Data.SubSequence

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func count() throws(TokenBlobError) -> Int {
      let field = try bytes(4)
      let value = field.reversed().reduce(0) { $0 << 8 | Int($1) }
      guard value <= largestCount else { throw .inconsistent }
      return value
    }

    mutating func bytes(_ count: Int) throws(TokenBlobError) -> [UInt8] {
      guard count <= bytes.count else { throw .inconsistent }
      defer { bytes = bytes.dropFirst(count) }
      return Array(bytes.prefix(count))
    }
  }
}

/// Why a stored blob is no compressed image. Each is a miss: the image is encoded again and the blob replaced.
public enum TokenBlobError: Error, Equatable, CustomStringConvertible {
  case notACompressedImage
  case otherVersion(Int)
  /// The checksum does not fit.
  case damaged
  case ofAnotherKey
  /// The checksum fits, but counts and sizes contradict each other.
  case inconsistent
  /// Its tokens are none that the model can read: of another width, or not finite.
  case ofAnotherModel

  public var description: String {
    switch self {
    case .notACompressedImage: "the blob does not begin as a compressed image"
    case .otherVersion(let version): "the blob has version \(version), not \(CompressedImageCoding.version)"
    case .damaged: "the blob's checksum does not fit"
    case .ofAnotherKey: "the blob was stored under another key"
    case .inconsistent: "the blob's counts contradict its size"
    case .ofAnotherModel: "the blob's tokens are of another width than the model's, or not finite"
    }
  }
}
