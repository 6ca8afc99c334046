import Adversary
import Foundation
import Testing

@testable import LlavaModel

/// Model files come from outside: a damaged one is refused by name, and never ends the process.
@Suite struct ModelFileTests {
  private let folder: URL
  private let good: URL

  init() throws {
    good = try #require(Golden.folder).appendingPathComponent("llava-1.5-gqa")
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func load(language: Data? = nil, vision: Data? = nil, pinned: String? = nil) async throws {
    let files = try ["language", "vision"].map { name in
      let url = folder.appendingPathComponent("\(name)-\(UUID().uuidString).gguf")
      let replaced = name == "language" ? language : vision
      try (replaced ?? Data(contentsOf: good.appendingPathComponent("\(name).gguf"))).write(to: url)
      return url.path
    }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    let pins = pinned.map { [files[0]: $0] } ?? [:]
    _ = try await LlavaModel.load(
      ModelFiles(language: files[0], vision: files[1], pinned: pins), settings: .forTests)
  }

  @Test func soundFilesLoad() async throws { try await load() }

  @Test func otherFilesAreRefused() async throws {
    await #expect(throws: ModelError.self) { try await load(language: Data()) }
    await #expect(throws: ModelError.self) { try await load(language: Data("not a model".utf8)) }
    await #expect(throws: ModelError.self) {
      _ = try await LlavaModel.load(ModelFiles(directory: "/nowhere"), settings: .forTests)
    }
    // The two files under each other's name.
    let vision = try Data(contentsOf: good.appendingPathComponent("vision.gguf"))
    await #expect(throws: ModelError.self) { try await load(language: vision) }
    // A vision file made for a wider language model.
    let tiled = try #require(Golden.folder).appendingPathComponent("llava-1.5-siglip/vision.gguf")
    try await load(vision: Data(contentsOf: tiled))
  }

  @Test(arguments: ["language", "vision"]) func truncatedFilesAreRefused(_ name: String) async throws {
    let whole = try Data(contentsOf: good.appendingPathComponent("\(name).gguf"))
    for length in [1, 24, 300, whole.count / 2, whole.count - 1] {
      let cut = whole.prefix(length)
      await #expect(throws: ModelError.self, "\(name) cut to \(length) bytes") {
        if name == "language" { try await load(language: cut) } else { try await load(vision: cut) }
      }
    }
  }

  /// Flipped bytes in the header: loading succeeds or is refused, and nothing traps.
  @Test(arguments: ["language", "vision"]) func tamperedHeadersNeverTrap(_ name: String) async throws {
    let whole = try Data(contentsOf: good.appendingPathComponent("\(name).gguf"))
    var random = Fuzzing.random(42)
    for _ in 0..<60 * Fuzzing.rounds {
      var bytes = whole
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<6000, using: &random)] = .random(in: 0...255, using: &random)
      }
      do {
        if name == "language" { try await load(language: bytes) } else { try await load(vision: bytes) }
      } catch is ModelError {}
    }
  }

  /// libllama would end the process at the first two, and throw through Swift at the third, where it needs the
  /// byte.
  @Test(arguments: [
    ("<0x41>", "<0x42>", "have the same text"), ("<0xFE>", "<0xQQ>", "no token for the byte 254"),
    ("tokenizer.ggml.tokens", "tokenizer.ggml.tokenz", "tokenizer.ggml.tokens"),
  ])
  func damagedVocabulariesAreRefused(text: String, replacement: String, named: String) async throws {
    var bytes = try Data(contentsOf: good.appendingPathComponent("language.gguf"))
    let place = try #require(bytes.range(of: Data(text.utf8)))
    bytes.replaceSubrange(place, with: replacement.utf8)
    let error = await #expect(throws: ModelError.self) { try await load(language: bytes) }
    #expect(error?.description.contains(named) == true)
  }

  @Test func otherTokenizersAreRefused() async throws {
    let bytes = try Data(contentsOf: good.appendingPathComponent("language.gguf"))
    let key = try #require(bytes.range(of: Data("tokenizer.ggml.model".utf8)))
    // After the key stand the type and the length of the text.
    let place = try #require(bytes.range(of: Data("llama".utf8), in: key.upperBound..<key.upperBound + 32))
    for kind in ["none", "rwkv"] {
      var other = bytes
      other.replaceSubrange(place, with: kind.utf8)
      other[place.lowerBound - 8] = UInt8(kind.utf8.count)
      // The tensors move; all of them must still lie in the file.
      other += Data(count: 64)
      let error = await #expect(throws: ModelError.self) { try await load(language: other) }
      #expect(error?.description.contains("its tokenizer is \(kind)") == true)
    }
  }

  @Test func pinnedDigestsAreCompared() async throws {
    let error = await #expect(throws: ModelError.self) {
      try await load(pinned: String(repeating: "0", count: 64))
    }
    guard case .digestMismatch(_, _, let found)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try await load(pinned: found)
  }
}
