import CLlama

/// Makes the nodes of one graph. Thin names over ggml, so that a model's graph reads as its formula.
final class GraphBuilder {
  let context: OpaquePointer
  let graph: OpaquePointer

  private let types: ProductTypes?

  /// - Parameter types: through which weights multiply; nil takes each as it is.
  init(memory: UnsafeMutableRawBufferPointer, nodes: Int, types: ProductTypes? = nil) {
    self.types = types
    // Neither call fails: the caller's memory is sized for `nodes`, and nothing else is allocated.
    context = ggml_init(
      ggml_init_params(mem_size: memory.count, mem_buffer: memory.baseAddress, no_alloc: true))
    graph = ggml_new_graph_custom(context, nodes, false)
  }

  deinit { ggml_free(context) }

  // MARK: Inputs and outputs

  func input(_ type: ggml_type, _ shape: Int...) -> Tensor {
    let extents = shape.map(Int64.init)
    let tensor: Tensor = ggml_new_tensor(context, type, Int32(shape.count), extents)
    ggml_set_input(tensor)
    return tensor
  }

  /// Marks `tensor` as read after the computation.
  func output(_ tensor: Tensor) -> Tensor {
    ggml_set_output(tensor)
    expand(tensor)
    return tensor
  }

  /// Puts `tensor` and what it needs into the graph now, before later nodes.
  func expand(_ tensor: Tensor) { ggml_build_forward_expand(graph, tensor) }

  // MARK: Layers

  /// `weight · rows (+ bias)`: weight `[in, out]`, rows `[in, n…]` → `[out, n…]`.
  func linear(_ rows: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
    var multiplied = weight
    if let form = types?.form(of: weight, rows: Int(ggml_nrows(rows))) {
      // The rows first: the graph takes a product's weight before its rows, and would convert all weights before it
      // computed anything, with all of them in memory.
      expand(rows)
      multiplied = form.make(of: weight, in: context)
    }
    let product: Tensor = ggml_mul_mat(context, multiplied, rows)
    return bias.map { ggml_add(context, product, $0) } ?? product
  }

  func linear(_ rows: Tensor, _ linear: Linear) -> Tensor { self.linear(rows, linear.weight, linear.bias) }

  func layerNorm(_ rows: Tensor, _ norm: LayerNorm, epsilon: Float) -> Tensor {
    let scaled: Tensor = ggml_mul(context, ggml_norm(context, rows, epsilon), norm.weight)
    return norm.bias.map { ggml_add(context, scaled, $0) } ?? scaled
  }

  func rmsNorm(_ rows: Tensor, _ weight: Tensor, epsilon: Float) -> Tensor {
    ggml_mul(context, ggml_rms_norm(context, rows, epsilon), weight)
  }

  /// `x · sigmoid(1.702 x)`, exact: `ggml_gelu_quick` goes through an F16 table.
  ///
  /// It is `silu(1.702 x) / 1.702`, and silu is vectorised.
  func quickGELU(_ rows: Tensor) -> Tensor {
    let slope: Float = 1.702
    return ggml_scale(context, ggml_silu(context, ggml_scale(context, rows, slope)), 1 / slope)
  }

  /// Extents of `tensor`, fastest first.
  static func shape(_ tensor: Tensor) -> [Int] {
    let extents = tensor.pointee.ne
    return [Int(extents.0), Int(extents.1), Int(extents.2), Int(extents.3)]
  }
}

/// Weight `[in, out]` and bias `[out]` of a linear layer.
struct Linear {
  var weight: Tensor
  var bias: Tensor?
}

/// Weight and bias of a layer norm, each `[width]`.
struct LayerNorm {
  var weight: Tensor
  var bias: Tensor?
}

extension Tensor {
  /// Copies `values` into the tensor from its start.
  func fill<Value: BitwiseCopyable>(_ values: [Value]) {
    values.withUnsafeBytes { ggml_backend_tensor_set(self, $0.baseAddress, 0, $0.count) }
  }

  /// The tensor's F32 values.
  func floats() -> [Float] {
    [Float](unsafeUninitializedCapacity: Int(ggml_nelements(self))) { buffer, count in
      ggml_backend_tensor_get(self, buffer.baseAddress, 0, ggml_nbytes(self))
      count = buffer.count
    }
  }
}
