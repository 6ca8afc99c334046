import Adversary
import CLlama
import Testing

@testable import LlavaModel

/// Weights that are kept interleaved for products of few rows.
struct RepackTests {
  @Test(arguments: [1, 3, 8, 24, 25, 40])
  func aRepackedWeightMultipliesAsThePlainOne(rows: Int) throws {
    let folder = try TemporaryFolder()
    let file = try GGUFFile(path: try writeWeight(in: folder))
    let device = try ComputeDevice(choice: .cpu, threads: 2)
    let types = ProductTypes(device: device)
    let values = (0..<rows * Self.width).map { Float(($0 * 37) % 101) / 50 - 1 }

    func product(repacks: Bool) throws -> [Float] {
      let loader = WeightLoader(file: file, device: device, repacks: repacks)
      let weight = try loader.tensor("weight", [Self.width, Self.height], .matrix)
      let weights = try loader.load()
      defer { withExtendedLifetime(weights) {} }
      #if arch(x86_64)
        // Every CPU with AVX2 has the interleaved kernels; were none found, this test would compare one with itself.
        try #require(RepackedBuffer.holds(weight, on: device) == repacks)
        #expect(
          types.form(of: weight, rows: rows)
            == (repacks && rows > RepackedBuffer.mostRows ? .deinterleaved : nil))
      #endif
      return try device.run(
        types: types,
        build: { builder in
          let input = builder.input(GGML_TYPE_F32, Self.width, rows)
          return (input: input, output: builder.output(builder.linear(input, weight)))
        },
        fill: { $0.input.fill(values) }, read: { $0.output.floats() })
    }
    let plain = try product(repacks: false)
    let repacked = try product(repacks: true)
    if rows > RepackedBuffer.mostRows {
      // Taken apart again inside the graph: the file's own bytes multiply.
      #expect(plain == repacked)
    } else {
      // The kernels round rows to 8 bits in blocks of their own.
      let error = zip(plain, repacked).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      #expect(error <= 1e-4 * plain.reduce(0) { $0 + $1 * $1 })
    }
  }

  private static let width = 512
  private static let height = 64

  /// Path of a model file with one Q4_K matrix.
  private func writeWeight(in folder: TemporaryFolder) throws -> String {
    let path = folder.path("weight.gguf")
    let floats = (0..<Self.width * Self.height).map { Float(($0 * 7919) % 1000) / 500 - 1 }
    let memory = ggml_tensor_overhead() + ggml_row_size(GGML_TYPE_Q4_K, Int64(floats.count)) + 1024
    let context = try #require(
      ggml_init(ggml_init_params(mem_size: memory, mem_buffer: nil, no_alloc: false)))
    defer { ggml_free(context) }
    let tensor = try #require(
      ggml_new_tensor_2d(context, GGML_TYPE_Q4_K, Int64(Self.width), Int64(Self.height)))
    ggml_set_name(tensor, "weight")
    _ = ggml_quantize_chunk(
      GGML_TYPE_Q4_K, floats, tensor.pointee.data, 0, Int64(Self.height), Int64(Self.width), nil)
    let file = try #require(gguf_init_empty())
    defer { gguf_free(file) }
    gguf_add_tensor(file, tensor)
    try #require(gguf_write_to_file(file, path, false))
    return path
  }
}
