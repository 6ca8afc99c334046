import Adversary
import Answering
import Foundation
import Testing
import TokenSampling

@testable import Images

@Suite struct HostileImageTests {
  @Test func noBytesAreUndecodable() async throws {
    let loader = try ImageLoader.closed()
    await expectRejection(.imageUndecodable) { try await loader.fetch(.data(Data())) }
  }

  @Test(arguments: [0.1, 0.5, 0.9, 0.99])
  func truncatedFilesAreUndecodable(share: Double) async throws {
    let loader = try ImageLoader.closed()
    for photo in ["palace.jpg", "coffee.webp", "astronaut.png"] {
      let data = try Data(contentsOf: Fixture.photographs.appending(path: photo))
      await expectRejection(.imageUndecodable) {
        try await loader.decode(data.prefix(Int(Double(data.count) * share)))
      }
    }
  }

  @Test(arguments: ["drawing.svg", "page.pdf"])
  func otherFormatsAreUnsupported(file: String) async throws {
    let loader = try ImageLoader.closed()
    let message = await expectRejection(.imageUnsupported) { try await loader.decode(Fixture.odd(file)) }
    #expect(message.contains("JPEG, PNG"))
  }

  @Test func firstBytesThatLieAreUndecodable() async throws {
    let loader = try ImageLoader.closed()
    let lies: [[UInt8]] = [
      [0xFF, 0xD8, 0xFF, 0xE0], Array("GIF89a".utf8), Array("RIFF1234WEBP".utf8), [0x49, 0x49, 0x2A, 0],
    ]
    for lie in lies {
      let data = try Data(lie) + Fixture.odd("drawing.svg")
      await expectRejection(.imageUndecodable) { try await loader.decode(data) }
    }
  }

  @Test func tooManyPixelsAreRefusedFromTheHeader() async throws {
    let loader = try ImageLoader.closed()
    let message = await expectRejection(.imageTooLarge) { try await loader.decode(Fixture.odd("flat.png")) }
    #expect(message.contains("14000×14000"))
  }

  @Test func tooManyBytesAreRefused() async throws {
    var limits = ImageLimits()
    limits.maxBytes = 100
    let loader = try ImageLoader.closed(limits)
    await expectRejection(.imageTooLarge) { try await loader.fetch(.data(Data(count: 101))) }
  }

  /// Both hold 64 MiB of zeros in 64 KB; the text comes 400 times over. Memory stays low, and texts cost nothing.
  @Test func compressedProfilesAndTextsDoNotFillMemory() async throws {
    let loader = try ImageLoader.closed()
    let bomb = try Fixture.odd("text-bomb.png")
    // After the signature and the header chunk comes the text; its length stands before its name.
    let textEnd = 33 + 12 + bomb[33..<37].reduce(0) { $0 << 8 | Int($1) }
    let texts =
      (0..<400).reduce(into: bomb[..<33]) { data, _ in data += bomb[33..<textEnd] } + bomb[textEnd...]
    #expect(PNGTexts.removed(from: texts) == bomb[..<33] + bomb[textEnd...])
    let before = try peakMemory()
    for data in [try Fixture.odd("profile-bomb.png"), texts] {
      let image = try await loader.decode(data)
      #expect(image.originalSize == PixelSize(width: 8, height: 8))
    }
    // Other tests run beside this one; the texts alone would take 27 GB.
    #expect(try peakMemory() - before < 1_500_000_000)
  }

  @Test func damagedChunksAreLeftToTheDecoder() throws {
    let bomb = try Fixture.odd("text-bomb.png")
    for count in [0, 8, 20, 33, 40, 50, bomb.count - 1] {
      #expect(PNGTexts.removed(from: bomb.prefix(count)).count <= count)
    }
    #expect(PNGTexts.removed(from: bomb.dropFirst(1).prefix(30)) == bomb.dropFirst(1).prefix(30))
  }

  @Test func endlessScansAreRefused() async throws {
    let photo = try Data(contentsOf: Fixture.photographs.appending(path: "cat.jpg"))
    let scans = Data((0..<2000).flatMap { _ in [0xFF, 0xDA] as [UInt8] })
    let loader = try ImageLoader.closed()
    let message = await expectRejection(.imageUndecodable) {
      try await loader.decode(photo.dropLast(2) + scans)
    }
    #expect(message.contains("scans"))
  }

  @Test func decodingEndsAtItsDeadline() async throws {
    var limits = ImageLimits()
    limits.decodeSeconds = 0
    let loader = try ImageLoader.closed(limits)
    let photo = try Data(contentsOf: Fixture.photographs.appending(path: "dandelion.jpg"))
    await expectRejection(.imageTooLarge) { try await loader.decode(photo) }
  }

  /// Whatever the bytes, the outcome is a picture or a rejection, and the next image is not harmed.
  @Test func damagedBytesAreRejectedAndNothingElse() async throws {
    let loader = try ImageLoader.closed()
    var generator = Fuzzing.random(1)
    for file in [
      "quarters.png", "quarters.webp", "orientation6.jpg", "animated.gif", "pages.tiff", "quarters.avif",
    ] {
      let whole = try Fixture.odd(file)
      for _ in 0..<40 * Fuzzing.rounds {
        var damaged = whole
        for _ in 0..<8 {
          damaged[Int.random(in: 0..<whole.count, using: &generator)] = .random(
            in: 0...255, using: &generator)
        }
        do {
          _ = try await loader.decode(damaged)
        } catch is Rejection {}
      }
    }
    let image = try await loader.decode(Fixture.odd("pixel.png"))
    #expect(image.pixel(x: 0, y: 0) == [10, 20, 30])
  }

  /// The most memory this process has had, in bytes.
  private func peakMemory() throws -> Int {
    var usage = rusage()
    // 0 is RUSAGE_SELF, whose imported type differs between systems.
    let status = getrusage(0, &usage)
    try #require(status == 0)
    #if os(Linux)
      return usage.ru_maxrss * 1024
    #else
      return usage.ru_maxrss
    #endif
  }
}
