import Adversary
import Answering
import CLlama
import Testing

@testable import LlavaModel

/// Vision files whose features are those of several layers, side by side.
struct FeatureLayerTests {
  private let good: String

  init() throws {
    good = try #require(Golden.folder).appendingPathComponent("llava-1.5-gqa/vision.gguf").path
  }

  @Test func channelsComeInTheOrderThatTheFileNames() throws {
    let folder = try TemporaryFolder()
    let second = try features(of: [2], in: folder)
    let firstSecond = try features(of: [1, 2], in: folder)
    let secondFirst = try features(of: [2, 1], in: folder)
    let width = try width()
    for patch in 0..<second.count / width {
      let one = second[patch * width..<(patch + 1) * width]
      let both = firstSecond[2 * patch * width..<2 * (patch + 1) * width]
      #expect(Array(both.suffix(width)) == Array(one))
      #expect(Array(both.prefix(width)) != Array(one))
      let swapped = secondFirst[2 * patch * width..<2 * (patch + 1) * width]
      #expect(Array(swapped) == Array(both.suffix(width) + both.prefix(width)))
    }
  }

  private func width() throws -> Int { try VisionParameters(GGUFFile(path: good)).width }

  /// Features of a tile of noise, `[patch, channels]`.
  private func features(of layers: [Int32], in folder: TemporaryFolder) throws -> [Float] {
    let path = folder.path("\(layers.map(String.init).joined(separator: "-")).gguf")
    try write(layers, to: path)
    let device = try ComputeDevice(choice: .cpu, threads: 2)
    let tower = try VisionTower(file: GGUFFile(path: path), device: device, type: .file)
    let rules = TilingRules(
      tileSize: tower.parameters.tileSize, patchSize: tower.parameters.patchSize, gridPinpoints: [],
      paddingColor: [0, 0, 0])
    return try tower.encode(.noise(tiles: 1, rules))
  }

  /// Writes the good file with these feature layers, and a projector as wide as they ask for.
  private func write(_ layers: [Int32], to path: String) throws {
    var tensors: OpaquePointer?
    let old = try #require(
      withUnsafeMutablePointer(to: &tensors) { gguf_init_from_file(good, .init(no_alloc: false, ctx: $0)) })
    defer { gguf_free(old) }
    let context = try #require(tensors)
    defer { ggml_free(context) }
    let projector = try #require(ggml_get_tensor(context, "mm.0.weight"))
    let (channels, hidden) = (projector.pointee.ne.0, projector.pointee.ne.1)
    let added = try #require(
      ggml_init(
        ggml_init_params(
          mem_size: 1024 + ggml_nbytes(projector) * layers.count, mem_buffer: nil, no_alloc: false)))
    defer { ggml_free(added) }
    let wide = try #require(
      ggml_new_tensor_2d(added, projector.pointee.type, channels * Int64(layers.count), hidden))
    ggml_set_zero(wide)
    ggml_set_name(wide, "mm.0.weight")

    let new = try #require(gguf_init_empty())
    defer { gguf_free(new) }
    gguf_set_kv(new, old)
    gguf_set_arr_data(new, "clip.vision.feature_layer", GGUF_TYPE_INT32, layers, layers.count)
    for index in 0..<gguf_get_n_tensors(old) {
      let tensor = try #require(ggml_get_tensor(context, gguf_get_tensor_name(old, index)))
      gguf_add_tensor(new, tensor == projector ? wide : tensor)
    }
    try #require(gguf_write_to_file(new, path, false))
  }
}
