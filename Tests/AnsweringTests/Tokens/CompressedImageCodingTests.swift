import Adversary
import Crypto
import Foundation
import Testing
import TokenSampling

@testable import Answering

@Suite("The binary form of a compressed image")
struct CompressedImageCodingTests {
  private let key = TokenKey(imageSHA256: "cat", recipe: "model")

  /// A 6 × 5 map in blocks of 4, pooled as far as differs, after two tokens of an overview.
  private static func image(_ type: TokenType, hasScales: Bool) throws -> CompressedImage {
    let map = GridSize(columns: 6, rows: 5)
    let scales = try #require(ScaleMap(blocks: BlockGrid(map: map, side: 4), scales: [1, 2, 4, 1]))
    let count = 2 + (hasScales ? scales.tokenCount : map.count)
    var random = SplitMix(state: 1)
    let bytes = (0..<count * type.bytes(channels: 64)).map { _ in UInt8.random(in: 0...255, using: &random) }
    return CompressedImage(
      tokens: bytes, type: type, channels: 64, overviewTokens: 2,
      newlines: hasScales ? scales.rowEnds.map { 2 + $0 } : (1...map.rows).map { 2 + $0 * map.columns },
      map: map, scales: hasScales ? scales : nil, encodedTokens: 32)
  }

  private static let images = TokenType.allCases.flatMap { type in [(type, true), (type, false)] }

  @Test("Every element type comes back as it was, with and without a scale map", arguments: images)
  func roundTrip(_ type: TokenType, hasScales: Bool) throws {
    let image = try Self.image(type, hasScales: hasScales)
    let blob = CompressedImageCoding.encode(image, key: key)
    #expect(try CompressedImageCoding.decode(blob, key: key) == image)
    // A slice of something larger is as good.
    let larger = Data([1, 2, 3]) + blob + Data([4])
    #expect(try CompressedImageCoding.decode(larger[3..<3 + blob.count], key: key) == image)
  }

  @Test("An image without tokens comes back")
  func empty() throws {
    let image = CompressedImage(
      tokens: [], type: .f16, channels: 4, overviewTokens: 0, newlines: [],
      map: GridSize(columns: 0, rows: 0),
      scales: nil, encodedTokens: 0)
    let blob = CompressedImageCoding.encode(image, key: key)
    #expect(try CompressedImageCoding.decode(blob, key: key) == image)
  }

  @Test("A blob is refused under another key, and so are other versions")
  func otherKeyOrVersion() throws {
    let blob = CompressedImageCoding.encode(try Self.image(.f16, hasScales: true), key: key)
    #expect(throws: TokenBlobError.ofAnotherKey) {
      try CompressedImageCoding.decode(blob, key: TokenKey(imageSHA256: "dog", recipe: "model"))
    }
    var other = blob
    other[8] = 2
    #expect(throws: TokenBlobError.otherVersion(2)) { try CompressedImageCoding.decode(other, key: key) }
    #expect(throws: TokenBlobError.notACompressedImage) { try CompressedImageCoding.decode(Data(), key: key) }
  }

  @Test("Each flipped byte is found", arguments: [true, false])
  func flips(hasScales: Bool) throws {
    let blob = CompressedImageCoding.encode(try Self.image(.q8, hasScales: hasScales), key: key)
    for place in blob.indices {
      var damaged = blob
      damaged[place] ^= 1 << UInt8(place % 8)
      #expect(throws: TokenBlobError.self) { try CompressedImageCoding.decode(damaged, key: key) }
    }
  }

  @Test("Every truncation is found, and so is a byte too many")
  func truncations() throws {
    let blob = CompressedImageCoding.encode(try Self.image(.q8, hasScales: true), key: key)
    for count in 0..<blob.count {
      #expect(throws: TokenBlobError.self) { try CompressedImageCoding.decode(blob.prefix(count), key: key) }
    }
    #expect(throws: TokenBlobError.self) { try CompressedImageCoding.decode(blob + [0], key: key) }
  }

  /// A writer that means harm makes the checksum fit: then the counts themselves must be refused.
  @Test("Counts that contradict each other are refused behind a checksum that fits")
  func lyingCounts() throws {
    let blob = CompressedImageCoding.encode(try Self.image(.f16, hasScales: true), key: key)
    let values: [UInt32] = [0, 1, 2, 3, 255, 1 << 20, 1 << 28, 1 << 28 + 1, .max]
    for field in 1..<10 {
      for value in values {
        var lying = blob
        let place = 8 + 4 * field
        guard value != lying.count(at: place) else { continue }
        lying.replaceSubrange(place..<place + 4, with: withUnsafeBytes(of: value.littleEndian, Array.init))
        // More tokens made than kept says nothing about the blob's size.
        if field == 9, value >= 20, value <= 1 << 28 { continue }
        #expect(throws: TokenBlobError.inconsistent, "field \(field) is \(value)") {
          try CompressedImageCoding.decode(lying.resealed, key: key)
        }
      }
    }
  }

  @Test("Random bytes and random damage never trap")
  func randomBytesNeverTrap() throws {
    var random = Fuzzing.random(40)
    let blobs = try Self.images.map { type, hasScales in
      CompressedImageCoding.encode(try Self.image(type, hasScales: hasScales), key: key)
    }
    for round in 0..<2000 * Fuzzing.rounds {
      let blob = blobs[round % blobs.count]
      var bytes = Fuzzing.damaged(blob, places: .random(in: 1...6, using: &random), &random)
      if round.isMultiple(of: 3) {
        let count = Int.random(in: 0...400, using: &random)
        bytes = blob.prefix(8) + Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
      }
      _ = try? CompressedImageCoding.decode(bytes, key: key)
      // Behind a checksum that fits, any outcome will do that is no trap and no image larger than its blob.
      let image = try? CompressedImageCoding.decode(bytes.resealed, key: key)
      #expect((image?.tokens.count ?? 0) <= bytes.count)
    }
  }
}

extension Data {
  fileprivate func count(at place: Int) -> UInt32 {
    self[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// With the checksum that its bytes have.
  fileprivate var resealed: Data {
    let body = Data(dropLast(32))
    return body + Data(SHA256.hash(data: body))
  }
}
