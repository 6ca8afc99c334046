import Adversary
import Answering
import CLlama
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
    _ = try await model(language: language, vision: vision, pinned: pinned)
  }

  private func model(
    language: Data? = nil, vision: Data? = nil, pinned: String? = nil
  ) async throws -> LlavaModel {
    let files = try ["language", "vision"].map { name in
      let url = folder.appendingPathComponent("\(name)-\(UUID().uuidString).gguf")
      let replaced = name == "language" ? language : vision
      try (replaced ?? Data(contentsOf: good.appendingPathComponent("\(name).gguf"))).write(to: url)
      return url.path
    }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    let pins = pinned.map { [files[0]: $0] } ?? [:]
    return try await LlavaModel.load(
      ModelFiles(language: files[0], vision: files[1], pinned: pins), settings: .forTests)
  }

  /// A good file with `value` written `distance` bytes after the first `text`.
  private func file(
    _ name: String, after text: String, _ distance: Int, _ value: some BitwiseCopyable
  ) throws -> Data {
    var bytes = try Data(contentsOf: good.appendingPathComponent("\(name).gguf"))
    let start = try #require(bytes.range(of: Data(text.utf8))).upperBound + distance
    withUnsafeBytes(of: value) { bytes.replaceSubrange(start..<start + $0.count, with: $0) }
    return bytes
  }

  /// A good file with one key more, whose value is `words`.
  private func file(_ name: String, adding key: String, _ type: gguf_type, _ words: [UInt32]) throws -> Data {
    var bytes = try Data(contentsOf: good.appendingPathComponent("\(name).gguf"))
    var entry = Data([UInt8(key.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    entry += Data(key.utf8)
    for word in [type.rawValue] + words {
      withUnsafeBytes(of: word.littleEndian) { entry.append(contentsOf: $0) }
    }
    // The header ends with the count of keys, in eight bytes.
    bytes[16] += 1
    bytes.insert(contentsOf: entry, at: 24)
    // The tensors move; all of them must still lie in the file.
    return bytes + Data(count: 256)
  }

  private func expectRefusal(language: Data? = nil, vision: Data? = nil, naming text: String) async {
    let error = await #expect(throws: ModelError.self) { try await load(language: language, vision: vision) }
    #expect(error?.description.contains(text) == true, "\(text): \(String(describing: error))")
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

  /// Extents that make the last tensor larger than a signed size can say.
  @Test func aTensorBeyondAllBoundsIsRefused() async throws {
    let whole = try Data(contentsOf: good.appendingPathComponent("vision.gguf"))
    let file = try GGUFFile(path: good.appendingPathComponent("vision.gguf").path)
    let last = try #require(file.tensors.values.max { $0.bytes.lowerBound < $1.bytes.lowerBound })
    var bytes = whole
    // After the name: the number of dimensions, the extents, the type.
    let name = try #require(bytes.range(of: Data(last.name.utf8)))
    let rest = name.upperBound + 4 + 8 * Int(bytes[name.upperBound])
    var entry = Data()
    for word in [1, 0, 1 << 29, 0] as [UInt32] { withUnsafeBytes(of: word) { entry.append(contentsOf: $0) } }
    // 2^61 values of F32 are 2^63 bytes.
    bytes.replaceSubrange(name.upperBound..<rest + 4, with: entry)
    bytes += Data(count: 64)
    await expectRefusal(vision: bytes, naming: "beyond its end")
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

  /// libllama would end the process at the first prompt.
  @Test func aBeginningTokenThatIsNotNamedIsRefused() async throws {
    let folder = try #require(Golden.folder).appendingPathComponent("llava-1.5-qwen2")
    var bytes = try Data(contentsOf: folder.appendingPathComponent("language.gguf"))
    let key = try #require(bytes.range(of: Data("tokenizer.ggml.pre".utf8)))
    // After the key stand the type and the length of the text. With this one libllama has no token of its own.
    let text = try #require(bytes.range(of: Data("qwen2".utf8), in: key.upperBound..<key.upperBound + 32))
    bytes.replaceSubrange(text, with: "glm4".utf8)
    bytes[text.lowerBound - 8] = 4
    let named = try #require(bytes.range(of: Data("tokenizer.ggml.bos_token_id".utf8)))
    bytes[named.upperBound - 1] = UInt8(ascii: "x")
    let wanted = try #require(bytes.range(of: Data("tokenizer.ggml.add_bos_token".utf8)))
    bytes[wanted.upperBound + 4] = 1
    await expectRefusal(language: bytes + Data(count: 64), naming: "a token that it does not name")
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

  /// Values at which ggml, or a conversion, would end the process.
  @Test(arguments: [-1, .nan, .infinity] as [Float]) func epsilonsThatAreNoneAreRefused(_ value: Float)
    async throws
  {
    let key = "attention.layer_norm_rms_epsilon"
    await expectRefusal(language: try file("language", after: key, 4, value), naming: key)
    let visionKey = "clip.vision.attention.layer_norm_epsilon"
    await expectRefusal(vision: try file("vision", after: visionKey, 4, value), naming: visionKey)
  }

  @Test func countsBeyondGgmlsAreRefused() async throws {
    let key = "llama.rope.scaling.original_context_length"
    for length in [0, 0x8000_0000] as [UInt32] {
      await expectRefusal(
        language: try file("language", adding: key, GGUF_TYPE_UINT32, [length]), naming: key)
    }
    await expectRefusal(
      language: try file("language", after: "llama.block_count", 4, 300 as UInt32), naming: "block_count")
  }

  @Test func tensorsOfTypesThatHoldNoWeightsAreRefused() async throws {
    // After a tensor's name stand the count of its extents, these, and its type.
    let tensors = [("output_norm.weight", 1), ("blk.0.attn_q.weight", 2), ("token_embd.weight", 2)]
    for (tensor, extents) in tensors {
      let bytes = try file("language", after: tensor, 4 + 8 * extents, GGML_TYPE_I32.rawValue)
      await expectRefusal(language: bytes, naming: tensor)
    }
  }

  @Test func featureLayersThatRepeatAreRefused() async throws {
    // An array: the type of its elements, their count in eight bytes, and they.
    for layers in [[3, 3], [3, -1]] as [[Int32]] {
      let words = [GGUF_TYPE_INT32.rawValue, UInt32(layers.count), 0] + layers.map(UInt32.init(bitPattern:))
      let bytes = try file("vision", adding: "clip.vision.feature_layer", GGUF_TYPE_ARRAY, words)
      await expectRefusal(vision: bytes, naming: "clip.vision.feature_layer")
    }
  }

  /// There is no layer above the first to select for.
  @Test func aModelOfOneLayerKeepsAllTokens() async throws {
    let model = try await model(language: file("language", after: "llama.block_count", 4, 1 as UInt32))
    let (golden, _) = try Golden.load("llava-1.5-gqa")
    let run = try #require(golden.runs.first)
    let tiles = run.tiles(try Data(contentsOf: good.appendingPathComponent(golden.arrays)))
    let image = try await model.compress(tiles, .none).image
    var parameters = GenerationParameters()
    parameters.maxTokens = 4
    parameters.selection = .prune
    let question = Question(id: "q", text: "What is this?", parameters: parameters)
    let reply = try await model.answer([question], about: image, key: .test)[0]
    #expect(reply.visualTokens?.selection == SelectionMode.none)
    #expect(throws: Never.self) { try reply.outcome.get() }
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
