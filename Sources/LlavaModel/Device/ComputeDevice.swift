import CLlama
import Foundation

typealias Tensor = UnsafeMutablePointer<ggml_tensor>

/// Where the graphs run: one GPU with the CPU behind it, or the CPU alone.
///
/// Not thread-safe: used from the engine's thread only.
final class ComputeDevice {
  /// Best device first; the last is always the CPU, as `ggml_backend_sched` asks.
  let backends: [ggml_backend_t]
  let device: ggml_backend_dev_t
  let cpu: ggml_backend_dev_t
  let threads: Int
  private let scheduler: ggml_backend_sched_t
  /// Tensor headers of the graph in hand: one block, reused, since a decode step comes every few milliseconds.
  private let headers: UnsafeMutableRawBufferPointer
  private var kept: KeptGraph?

  static let maximumNodes = 32768

  /// All cores: what else the worker does takes little beside the products.
  static var defaultThreads: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  init(choice: DeviceChoice, threads: Int) throws(ModelError) {
    Self.loadBackends
    guard let cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU),
      let cpuBackend = ggml_backend_dev_init(cpu, nil)
    else { throw .device("ggml has no CPU backend; run script/bootstrap again") }
    let gpu =
      ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU)
      ?? ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_IGPU)
    var backends = [cpuBackend]
    var device = cpu
    if choice != .cpu, let gpu, let gpuBackend = ggml_backend_dev_init(gpu, nil) {
      backends.insert(gpuBackend, at: 0)
      device = gpu
    } else if choice == .gpu {
      ggml_backend_free(cpuBackend)
      throw .device("--device gpu was asked for, but this build of ggml sees no GPU; use --device cpu")
    }
    typealias SetThreads = @convention(c) (ggml_backend_t?, Int32) -> Void
    if let address = ggml_backend_reg_get_proc_address(
      ggml_backend_dev_backend_reg(cpu), "ggml_backend_set_n_threads")
    {
      unsafeBitCast(address, to: SetThreads.self)(cpuBackend, Int32(threads))
    }
    var handles = backends.map { Optional($0) }
    guard
      let scheduler = ggml_backend_sched_new(
        &handles, nil, Int32(backends.count), Self.maximumNodes, false, true)
    else { throw .device("ggml could not make a scheduler; is there memory left?") }
    self.backends = backends
    self.device = device
    self.cpu = cpu
    self.threads = threads
    self.scheduler = scheduler
    headers = .allocate(
      byteCount: ggml_tensor_overhead() * Self.maximumNodes
        + ggml_graph_overhead_custom(Self.maximumNodes, false),
      alignment: 64)
  }

  deinit {
    kept = nil
    ggml_backend_sched_free(scheduler)
    for backend in backends { ggml_backend_free(backend) }
    headers.deallocate()
  }

  var isCPUOnly: Bool { backends.count == 1 }

  var name: String { String(cString: ggml_backend_dev_description(device)) }

  /// Whether the CPU multiplies BF16 directly (AVX512-BF16), twice as fast as F16.
  var multipliesBF16: Bool { feature("AVX512_BF16") }

  /// Whether the CPU computes in vectors of 512 bits. In narrower ones F32 products are no faster than F16's, and read
  /// twice as much memory.
  var hasWideVectors: Bool { feature("AVX512") }

  /// Builds a graph with `build`, fills its inputs with `fill`, computes it, and hands it to `read`.
  ///
  /// Where the graph before had the same `key`, it is used again and not built: one key, one graph. Tensors are
  /// valid until `read` returns.
  func run<Graph, Output>(
    reusing key: AnyHashable? = nil, types: ProductTypes? = nil, build: (GraphBuilder) -> Graph,
    fill: (Graph) -> Void,
    read: (Graph) throws -> Output
  ) throws -> Output {
    let builder: GraphBuilder
    let graph: Graph
    if let kept, kept.key == key, let same = kept.graph as? Graph {
      (builder, graph) = (kept.builder, same)
    } else {
      kept = nil
      builder = GraphBuilder(memory: headers, nodes: Self.maximumNodes, types: types)
      graph = build(builder)
      ggml_backend_sched_reset(scheduler)
      guard ggml_backend_sched_alloc_graph(scheduler, builder.graph) else {
        throw ModelError.device(
          "\(name) has too little memory for this step; lower --step-rows or --context-cells")
      }
      adviseMemory(of: builder.graph)
      if let key { kept = KeptGraph(key: key, builder: builder, graph: graph) }
    }
    fill(graph)
    guard ggml_backend_sched_graph_compute(scheduler, builder.graph) == GGML_STATUS_SUCCESS else {
      throw ModelError.device("\(name) reported an error while computing")
    }
    return try read(graph)
  }

  /// Asks for large pages; where a graph lies in the memory of the one before, nothing comes of it.
  private func adviseMemory(of graph: OpaquePointer) {
    for index in (0..<ggml_graph_n_nodes(graph)).reversed() {
      // A view lies in the memory of another, weights perhaps.
      guard let node = ggml_graph_node(graph, index), node.pointee.view_src == nil,
        let buffer = node.pointee.buffer
      else { continue }
      return HugePages.advise(buffer, on: self)
    }
  }

  /// A graph with its memory, as the scheduler holds it.
  private struct KeptGraph {
    var key: AnyHashable
    var builder: GraphBuilder
    var graph: Any
  }

  /// A named CPU feature as ggml reports it.
  private func feature(_ name: String) -> Bool {
    typealias Features = @convention(c) (ggml_backend_reg_t?) -> UnsafeMutablePointer<ggml_backend_feature>?
    let registry = ggml_backend_dev_backend_reg(cpu)
    guard let address = ggml_backend_reg_get_proc_address(registry, "ggml_backend_get_features"),
      var feature = unsafeBitCast(address, to: Features.self)(registry)
    else { return false }
    while let key = feature.pointee.name {
      if String(cString: key) == name { return String(cString: feature.pointee.value) == "1" }
      feature += 1
    }
    return false
  }

  /// Loads backends that are separate libraries, once for the process.
  static let loadBackends: Void = {
    ggml_log_set({ _, _, _ in }, nil)
    llama_log_set({ _, _, _ in }, nil)
    if ggml_backend_dev_count() == 0 { ggml_backend_load_all() }
  }()
}

/// `--device`.
public enum DeviceChoice: String, Sendable, CaseIterable {
  /// A GPU where ggml sees one, else the CPU.
  case auto
  case cpu
  case gpu
}
