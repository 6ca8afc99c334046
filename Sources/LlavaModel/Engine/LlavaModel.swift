import Answering

/// A LLaVA model that encodes images and answers questions, many at once.
///
/// All its work runs on one thread named `focus.compute`; ggml spreads each step over the cores.
public actor LlavaModel: VisionLanguageModel {
  public nonisolated let identity: ModelIdentity
  public nonisolated let tilingRules: TilingRules
  /// The prompt in use, by name.
  public nonisolated let promptName: String
  private nonisolated let recipes: [Compression: String]
  /// Width of a visual token.
  private nonisolated let channels: Int
  private nonisolated let thread: ComputeThread
  let engine: Engine
  private var isStepping = false
  private var requests: [Int: Request] = [:]
  private var nextRequest = 0

  /// Questions asked together, until each has its reply.
  private struct Request {
    var replies: [Reply?]
    var continuation: CheckedContinuation<[Reply], any Error>
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Reads the files; blocks the compute thread for as long as that takes. Throws `ModelError`.
  public static func load(_ files: ModelFiles, settings: EngineSettings = .init()) async throws -> LlavaModel
  {
    let thread = ComputeThread(name: "focus.compute")
    do {
      return LlavaModel(engine: try await Loader(thread: thread).load(files, settings), thread: thread)
    } catch {
      thread.stop()
      throw error
    }
  }

  private init(engine: sending Engine, thread: ComputeThread) {
    identity = engine.identity
    tilingRules = engine.tilingRules
    promptName = engine.prompt.template.name
    channels = engine.tower.parameters.channels
    recipes = Dictionary(uniqueKeysWithValues: Compression.allCases.map { ($0, engine.tokenRecipe($0)) })
    self.thread = thread
    self.engine = engine
  }

  deinit { thread.stop() }

  public var counters: EngineCounters { engine.counters }

  /// Tells of each step from now on: its rows, and the key/value cells that are taken. Called on the compute thread.
  public func onEachStep(_ tell: @escaping @Sendable (_ rows: Int, _ cellsUsed: Int) -> Void) {
    engine.onStep = tell
  }

  /// Whether nobody waits for an answer.
  var isIdle: Bool { requests.isEmpty }

  public nonisolated func tokenRecipe(_ compression: Compression) -> String {
    recipes[compression] ?? ""
  }

  public nonisolated func accepts(_ image: CompressedImage) -> Bool { image.isReadable(channels: channels) }

  /// Throws `EnvironmentFailure` where the device fails, `CancellationError` when cancelled before its turn came.
  public func compress(_ image: TiledImage, _ compression: Compression) throws -> CompressionReply {
    // Many may queue for the thread, and the tower takes seconds: those that nobody waits for any more are left out.
    try Task.checkCancellation()
    do {
      return try engine.compress(image, compression)
    } catch {
      throw EnvironmentFailure("\(error)")
    }
  }

  /// Throws `EnvironmentFailure` where the device fails, `CancellationError` when cancelled.
  public func answer(
    _ questions: [Question], about image: CompressedImage, key: TokenKey
  ) async throws -> [Reply] {
    guard !questions.isEmpty else { return [] }
    let id = nextRequest
    nextRequest += 1
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let request = Request(replies: questions.map { _ in nil }, continuation: continuation)
        begin(request, id) { try $0.submit(questions, about: image, key: key, request: id) }
      }
    } onCancel: {
      Task { await self.abandon(id) }
    }
  }

  private func begin(_ request: Request, _ id: Int, submit: (Engine) throws -> [Completion]) {
    requests[id] = request
    guard !Task.isCancelled else { return abandon(id) }
    do {
      for completion in try submit(engine) { finish(completion) }
    } catch {
      requests.removeValue(forKey: id)?.continuation.resume(throwing: EnvironmentFailure("\(error)"))
    }
    guard !isStepping else { return }
    isStepping = true
    Task { await self.stepUntilIdle() }
  }

  private func finish(_ completion: Completion) {
    requests[completion.request]?.replies[completion.place] = completion.reply
    guard let request = requests[completion.request] else { return }
    let replies = request.replies.compactMap { $0 }
    guard replies.count == request.replies.count else { return }
    requests[completion.request] = nil
    request.continuation.resume(returning: replies)
  }

  private func abandon(_ id: Int) {
    guard let request = requests.removeValue(forKey: id) else { return }
    engine.abandon(request: id)
    request.continuation.resume(throwing: CancellationError())
  }

  private func stepUntilIdle() async {
    do {
      // Between steps others get the thread: new groups join while older ones decode.
      while let finished = try engine.step() {
        for completion in finished { finish(completion) }
        await Task.yield()
      }
    } catch {
      // The device failed: nobody's answer will come.
      for (id, request) in requests {
        engine.abandon(request: id)
        request.continuation.resume(throwing: EnvironmentFailure("\(error)"))
      }
      requests = [:]
    }
    isStepping = false
  }
}

/// Makes an engine on the thread that will use it.
private actor Loader {
  private nonisolated let thread: ComputeThread

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(thread: ComputeThread) { self.thread = thread }

  func load(_ files: ModelFiles, _ settings: EngineSettings) throws -> sending Engine {
    try Engine(files: files, settings: settings)
  }
}
