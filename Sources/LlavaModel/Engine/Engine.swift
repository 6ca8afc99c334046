import Answering
import Batching
import TokenSampling

/// The parts of a loaded model and the groups in flight. Each call of `step` computes one batch of rows.
///
/// Not thread-safe: lives on the compute thread, behind `LlavaModel`.
final class Engine {
  let tower: VisionTower
  let language: LanguageModel
  let prompt: Prompt
  let identity: ModelIdentity
  let tokenRecipes: TokenRecipe
  private let compressor: ImageCompressor
  private let tokenizer: Tokenizer
  private var scheduler: Scheduler
  private var groups: [Int: ImageGroupState] = [:]
  private var nextGroup = 0
  private(set) var counters = EngineCounters()

  /// Blocks while the files are read.
  init(files: ModelFiles, settings: EngineSettings) throws {
    let language = try GGUFFile(path: files.language)
    let vision = try GGUFFile(path: files.vision)
    let identities = try ModelFingerprint.digests(of: files, language: language, vision: vision)
    identity = identities.identity
    let device = try ComputeDevice(
      choice: settings.device, threads: settings.threads ?? ComputeDevice.defaultThreads)
    tokenizer = try Tokenizer(language)
    let tower = try VisionTower(file: vision, device: device, type: settings.visionType)
    self.tower = tower
    let sampler = try files.sampler.map { path throws(ModelError) in
      try SamplerFile(path: path, channels: tower.parameters.channels, tower: vision)
    }
    compressor = try ImageCompressor(sampler, settings, device: device)
    tokenRecipes = TokenRecipe(
      vision: identities.vision, sampler: identities.sampler, compressor: compressor,
      visionType: settings.visionType.name(on: device))
    self.language = try LanguageModel(file: language, device: device, cells: settings.contextCells)
    let parameters = self.language.parameters
    guard tower.weights.languageWidth == parameters.width else {
      throw ModelError.unsupported(
        file: files.vision,
        reason: "it makes rows of \(tower.weights.languageWidth) values, but \(files.language) takes "
          + "\(parameters.width): the two files are not of one model")
    }
    guard tokenizer.tokenCount <= parameters.vocabulary else {
      throw ModelError.malformed(
        file: files.language, reason: "its tokenizer has more tokens than its embeddings have rows")
    }
    let template =
      settings.prompt
      ?? .fitting(
        chatTemplate: tokenizer.chatTemplate, isTiled: !tower.parameters.gridPinpoints.isEmpty,
        architecture: parameters.architecture)
    prompt = Prompt(template: template, tokenizer: tokenizer)
    scheduler = Scheduler(cells: self.language.arena.cells, stepRows: settings.stepRows)
  }

  var tilingRules: TilingRules {
    let parameters = tower.parameters
    return TilingRules(
      tileSize: parameters.tileSize, patchSize: parameters.patchSize, gridPinpoints: parameters.gridPinpoints,
      paddingColor: parameters.gridPinpoints.isEmpty
        ? parameters.mean.map { UInt8(max(0, min(255, $0 * 255))) } : nil)
  }

  /// Names what decides, beside an image's bytes, its tokens.
  func tokenRecipe(_ compression: Compression) -> String {
    tokenRecipes.recipe(compression)
  }

  func encode(_ image: TiledImage) throws -> EncodedImage {
    let features = try tower.encode(image)
    counters.imagesEncoded += 1
    counters.tilesEncoded += image.tileCount
    let parameters = tower.parameters
    return TileStitching(
      patchesPerSide: parameters.patchesPerSide, channels: parameters.channels,
      isTiled: !parameters.gridPinpoints.isEmpty
    ).assemble(features, of: image)
  }

  func compress(_ image: TiledImage, _ compression: Compression) throws -> CompressionReply {
    let start = ContinuousClock.now
    let compressed = try compressor.compress(try encode(image), compression)
    return CompressionReply(image: compressed, milliseconds: (.now - start).milliseconds)
  }

  /// Queues the questions of `request`. Returns the replies of those that cannot be answered.
  func submit(
    _ questions: [Question], about image: CompressedImage, request: Int
  ) throws -> [Completion] {
    let imageRows = try projectedRows(of: image)
    let ledger = TokenLedger(
      encoded: image.encodedTokens, compressed: image.tokenCount, selected: image.tokenCount,
      scales: image.scales?.histogram ?? [:])
    var refused: [Completion] = []
    // Questions share a prefix, hence a group, when they share the system text.
    let bySystem = Dictionary(grouping: questions.indices) { prompt.system(questions[$0].parameters.system) }
    for (system, members) in bySystem.sorted(by: { $0.value[0] < $1.value[0] }) {
      let tokens = prompt.tokensBeforeImage(system: system)
      let prefixRows = tokens.count + imageRows.count / language.parameters.width
      var states: [QuestionState] = []
      var places: [Int] = []
      for place in members {
        do {
          states.append(
            try QuestionState(
              questions[place], prompt: prompt, tokenizer: tokenizer, prefixRows: prefixRows,
              context: min(language.parameters.contextLength, scheduler.cells)))
          places.append(place)
        } catch {
          let rejection = error as? Rejection ?? Rejection(.internal, "\(error)")
          let reply = Reply(outcome: .failure(rejection), visualTokens: nil)
          refused.append(Completion(request: request, place: place, reply: reply))
        }
      }
      guard !states.isEmpty else { continue }
      let group = ImageGroupState(
        id: nextGroup, request: request, places: places, tokens: tokens, imageRows: imageRows,
        width: language.parameters.width, questions: states, ledger: ledger)
      nextGroup += 1
      counters.groups += 1
      groups[group.id] = group
      scheduler.add(group.plan)
    }
    return refused
  }

  /// Forgets a request whose answers nobody waits for any more.
  func abandon(request: Int) {
    for (id, group) in groups where group.request == request {
      scheduler.remove(group: id)
      groups[id] = nil
    }
  }

  /// Computes the next step. Returns the questions it finished; nil when there is nothing to do.
  func step() throws -> [Completion]? {
    guard let step = scheduler.nextStep() else { return nil }
    count(step)
    let logits = try language.compute(
      StepInput(step, cells: language.arena.cells) { id, content in
        // A step's groups are in flight by construction; an unknown one's row would only waste a cell.
        groups[id]?.source(of: content) ?? .token(0)
      })
    let width = language.parameters.vocabulary
    var finished: [Completion] = []
    logits.withUnsafeBufferPointer { logits in
      var start = 0
      for slice in step.slices {
        for row in slice.rows where row.wantsLogits {
          let rowLogits = UnsafeBufferPointer(rebasing: logits[start..<start + width])
          start += width
          switch groups[slice.group]?.take(rowLogits, of: row.content) {
          case .goOn(let question): scheduler.goOn(group: slice.group, question: question)
          case .finished(let question, let completion):
            finished.append(completion)
            if scheduler.finish(group: slice.group, question: question) { groups[slice.group] = nil }
          case .wait, nil: break
          }
        }
      }
    }
    return finished
  }

  /// The projector's rows with a newline row after each row of the map, `[rows, D]`.
  func projectedRows(of image: CompressedImage) throws -> [Float] {
    let projected = try tower.project(image)
    guard !image.newlines.isEmpty, !tower.newline.isEmpty else { return projected }
    let width = language.parameters.width
    var rows: [Float] = []
    rows.reserveCapacity(projected.count + image.newlines.count * width)
    var token = 0
    for newline in image.newlines {
      rows += projected[token * width..<newline * width]
      rows += tower.newline
      token = newline
    }
    return rows + projected[(token * width)...]
  }

  private func count(_ step: Step) {
    counters.steps += 1
    for row in step.slices.lazy.flatMap(\.rows) {
      switch row.content {
      case .prefix: counters.prefixRows += 1
      case .prompt, .branch: counters.promptRows += 1
      case .answer: counters.answerRows += 1
      }
    }
  }
}
