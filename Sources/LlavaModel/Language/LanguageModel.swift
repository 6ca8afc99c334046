import Batching
import CLlama
import Foundation

/// The transformer: rows in, keys and values into the arena, logits out.
///
/// Dense layers run over all rows of a step, whatever group they belong to; attention runs group by group.
/// Not thread-safe: used from the engine's thread only.
final class LanguageModel {
  let parameters: LanguageParameters
  let arena: KeyValueArena
  let weights: LanguageWeights
  private let device: ComputeDevice
  private let storage: Weights
  private let types: ProductTypes

  /// - Parameters:
  ///   - cells: key/value cells; nil sizes the arena by the model's context and this machine's memory.
  ///   - repacks: whether Q4_K weights are kept interleaved, and not mapped.
  init(file: GGUFFile, device: ComputeDevice, cells: Int?, repacks: Bool = false) throws(ModelError) {
    let loader = WeightLoader(file: file, device: device, repacks: repacks)
    parameters = try LanguageParameters(file)
    weights = try LanguageWeights(parameters, file, loader)
    storage = try loader.load()
    // F32 weights are used for comparing with references, where F16 keys would drown the difference.
    let type = file.tensors["blk.0.attn_k.weight"]?.type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16
    arena = try KeyValueArena(
      parameters: parameters, cells: cells ?? Self.defaultCells(parameters, type), type: type, device: device)
    self.device = device
    types = ProductTypes(device: device)
  }

  func compute(_ pass: LanguagePass) throws -> PassOutput {
    try device.run(
      reusing: pass.shape, types: types,
      build: { LanguageGraph(pass, self, in: $0) },
      fill: { $0.fill(pass) },
      read: { $0.output() })
  }

  /// Copies cells in every layer, in order.
  func copy(_ copies: [CellCopy]) throws {
    for copy in copies {
      try device.run(
        build: { builder in
          for tensor in arena.keys + arena.values {
            func cells(_ start: Int) -> Tensor {
              let row = tensor.pointee.nb.1
              return ggml_view_2d(
                builder.context, tensor, tensor.pointee.ne.0, Int64(copy.source.count), row, row * start)
            }
            builder.expand(ggml_cpy(builder.context, cells(copy.source.lowerBound), cells(copy.target)))
          }
        },
        fill: { _ in }, read: { _ in })
    }
  }

  /// Room for two of the model's contexts, within a quarter of this machine's memory.
  private static func defaultCells(_ parameters: LanguageParameters, _ type: ggml_type) -> Int {
    let memory = sysconf(Int32(_SC_PHYS_PAGES)) * Int(getpagesize())
    let affordable = memory / 4 / KeyValueArena.bytesPerCell(parameters, type)
    return max(256, min(2 * parameters.contextLength, affordable, 32768))
  }
}
