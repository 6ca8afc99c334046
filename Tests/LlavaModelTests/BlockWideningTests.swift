import CLlama
import Testing

@testable import LlavaModel

/// Q8_0 weights that become BF16 inside a graph.
struct BlockWideningTests {
  @Test(arguments: [1, 3])
  func itIsWhatGgmlsCastsGive(threads: Int) throws {
    let (width, rows) = (96, 37)
    let device = try ComputeDevice(choice: .cpu, threads: threads)
    // Scales of every size, subnormal ones and zero among them.
    let floats = (0..<width * rows).map { index in
      Float((index * 7919) % 1999 - 999)
        * (index / 32 % 7 == 0 ? 0 : Float(sign: .plus, exponent: -(index / 32 % 23), significand: 1))
    }
    var blocks = [UInt8](repeating: 0, count: ggml_row_size(GGML_TYPE_Q8_0, Int64(floats.count)))
    _ = ggml_quantize_chunk(GGML_TYPE_Q8_0, floats, &blocks, 0, Int64(rows), Int64(width), nil)

    func bits(_ convert: @escaping (GraphBuilder, Tensor) -> Tensor) throws -> [UInt16] {
      try device.run(
        build: { builder in
          let input = builder.input(GGML_TYPE_Q8_0, width, rows)
          return (input: input, output: builder.output(convert(builder, input)))
        },
        fill: { $0.input.fill(blocks) },
        read: { graph in
          var values = [UInt16](repeating: 0, count: width * rows)
          ggml_backend_tensor_get(graph.output, &values, 0, ggml_nbytes(graph.output))
          return values
        })
    }
    let casts = try bits { builder, weight in
      ggml_cast(builder.context, ggml_cast(builder.context, weight, GGML_TYPE_F32), GGML_TYPE_BF16)
    }
    #expect(try bits { BlockWidening.widened($1, in: $0.context) } == casts)
    #expect(Set(casts).count > 100)
  }
}
