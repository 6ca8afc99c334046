import Adversary
import Answering
import Foundation
import Testing

@testable import LlavaModel

/// Sampler files come from outside, as model files do.
@Suite struct SamplerFileTests {
  private let good: URL
  private let folder: TemporaryFolder

  init() throws {
    good = try #require(Golden.folder).appendingPathComponent("llava-next-gqa")
    folder = try TemporaryFolder()
  }

  private func bytes(_ name: String = "sampler.gguf") throws -> Data {
    try Data(contentsOf: good.appendingPathComponent(name))
  }

  /// The engine with such a sampler file.
  private func engine(_ sampler: Data, _ change: (inout EngineSettings) -> Void = { _ in }) throws -> Engine {
    try folder.write(sampler, to: "sampler.gguf")
    let (golden, folder) = try Golden.load("llava-next-gqa")
    return try golden.engine(in: folder) { files, settings in
      files.sampler = self.folder.path("sampler.gguf")
      change(&settings)
    }
  }

  private func expectRefusal(of sampler: Data, naming text: String) {
    let error = #expect(throws: ModelError.self) { try engine(sampler) }
    #expect(error?.description.contains(text) == true, "\(text): \(String(describing: error))")
    #expect(error?.description.contains(folder.path("sampler.gguf")) == true)
  }

  /// A good file with `value` written `distance` bytes after `text`.
  private func file(after text: String, _ distance: Int, _ value: some BitwiseCopyable) throws -> Data {
    var bytes = try bytes()
    let start = try #require(bytes.range(of: Data(text.utf8))).upperBound + distance
    withUnsafeBytes(of: value) { bytes.replaceSubrange(start..<start + $0.count, with: $0) }
    return bytes
  }

  /// A number stands behind its key and its type.
  @Test(
    arguments: [
      ("focus.block_size", 0), ("focus.overview_scale", 9), ("focus.feature_length", 48),
      ("focus.router.head_count", 0), ("focus.router.hidden_length", 0),
    ] as [(String, UInt32)])
  func numbersThatCannotBeAreRefused(key: String, value: UInt32) throws {
    expectRefusal(
      of: try file(after: key, 4, value), naming: key == "focus.feature_length" ? "values" : key)
  }

  @Test func headsMustDivideTheRoutersWidth() throws {
    expectRefusal(
      of: try file(after: "focus.router.head_count", 4, 7 as UInt32), naming: "is no multiple of 7 heads")
  }

  @Test func wordsThatMeanNothingAreRefused() throws {
    // A text stands behind its key, its type and its length.
    expectRefusal(of: try file(after: "focus.pooling", 12, UInt8(ascii: "s")), naming: "focus.pooling")
    expectRefusal(
      of: try file(after: "focus.selection.heads", 12, UInt8(ascii: "s")), naming: "focus.selection.heads")
    expectRefusal(
      of: try file(after: "focus.trained_for", 12, UInt8(ascii: "x")), naming: "another vision file")
    expectRefusal(of: try bytes("language.gguf"), naming: "it is no sampler file")
    expectRefusal(of: Data("not a sampler".utf8), naming: "not a GGUF file")
  }

  @Test func placesThatCannotBeToldAreRefused() throws {
    let entry = try #require(
      GGUFFile(path: good.appendingPathComponent("sampler.gguf").path).tensors["place.weight"])
    var bytes = try bytes()
    withUnsafeBytes(of: Float.nan) {
      bytes.replaceSubrange(entry.bytes.lowerBound..<entry.bytes.lowerBound + 4, with: $0)
    }
    expectRefusal(of: bytes, naming: "place.weight")
    // Behind the name stand the number of extents and these.
    expectRefusal(of: try file(after: "place.weight", 4, UInt64(4)), naming: "place.weight")
  }

  @Test func damagedFilesNeverTrap() throws {
    let whole = try bytes()
    var random = Fuzzing.random(43)
    for _ in 0..<60 * Fuzzing.rounds {
      var bytes = whole
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<1500, using: &random)] = .random(in: 0...255, using: &random)
      }
      do { _ = try engine(bytes) } catch is ModelError {}
    }
  }

  /// Tokens that were told their places must not be taken for others'.
  @Test func theFileIsPartOfTheTokensKey() throws {
    let other = try file(after: "focus.trained_for", -"focus.trained_for".utf8.count, UInt8(ascii: "x"))
    func recipe(_ sampler: Data, _ router: RouterChoice?) throws -> String {
      try engine(sampler) { $0.router = router }.tokenRecipe(.auto)
    }
    for router in [nil, .density] as [RouterChoice?] {
      #expect(try recipe(bytes(), router) == recipe(bytes(), router))
      #expect(try recipe(bytes(), router) != recipe(other, router))
    }
    #expect(try recipe(bytes("density.gguf"), nil) != recipe(bytes(), .density))
  }
}
