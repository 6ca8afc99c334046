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
  let compressor: ImageCompressor
  private let tokenizer: Tokenizer
  var scheduler: Scheduler
  let selection: SelectionSettings
  var groups: [Int: ImageGroupState] = [:]
  var nextGroup = 0
  var prefixes = PrefixTable()
  private(set) var counters = EngineCounters()
  /// Told after each step how many rows it had, and how many key/value cells are taken.
  var onStep: (@Sendable (_ rows: Int, _ cellsUsed: Int) -> Void)?

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
    self.language = try LanguageModel(
      file: language, device: device, cells: settings.contextCells, repacks: settings.repacks)
    let parameters = self.language.parameters
    selection = try SelectionSettings(settings, sampler, layers: parameters.layers)
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
    scheduler = Scheduler(
      cells: self.language.arena.cells, stepRows: settings.stepRows,
      mostGroups: LanguageGraph.mostGroups(layers: parameters.layers))
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

  /// Queues the questions of `request`. Returns the replies of those that cannot be answered, which are all where the
  /// image's tokens cannot be used.
  ///
  /// - Parameter key: names the image, so that its prefix is kept for later requests.
  func submit(
    _ questions: [Question], about image: CompressedImage, key: TokenKey, request: Int
  ) throws -> [Completion] {
    // A value that is no number would spread through the arena.
    guard image.isReadable(channels: tower.parameters.channels) else {
      let rejection = Rejection(
        .internal,
        """
        the image's tokens are not all numbers; check the vision file with --model-sha256, or try --vision-type file
        """)
      return questions.indices.map { place in
        Completion(
          request: request, place: place, reply: Reply(outcome: .failure(rejection), visualTokens: nil))
      }
    }
    var refused: [Completion] = []
    let selections = questions.map {
      QuestionSelection($0, selection, questions: questions.count)
    }
    // Questions share a prefix, hence a group, when they share the system text and how its rows are computed.
    let shared = Dictionary(grouping: questions.indices) { place in
      PrefixState.Key(
        image: key, system: prompt.system(questions[place].parameters.system),
        sharesAllLayers: selections[place]?.mode != .prune)
    }
    for (key, members) in shared.sorted(by: { $0.value[0] < $1.value[0] }) {
      let prefix = prefixes.state(key) { id in
        PrefixState(
          id: id, tokens: prompt.tokensBeforeImage(system: key.systemText), image: image, tower: tower)
      }
      var states: [QuestionState] = []
      var places: [Int] = []
      for place in members {
        do {
          try prompt.check(system: questions[place].parameters.system)
          states.append(
            try QuestionState(
              questions[place], selection: selections[place], prompt: prompt, tokenizer: tokenizer,
              prefix: prefix, ledger: ledger(of: image, selections[place]),
              limits: PromptLimits(context: language.parameters.contextLength, cells: scheduler.cells)))
          places.append(place)
        } catch {
          let rejection = error as? Rejection ?? Rejection(.internal, "\(error)")
          let reply = Reply(outcome: .failure(rejection), visualTokens: nil)
          refused.append(Completion(request: request, place: place, reply: reply))
        }
      }
      let group = ImageGroupState(
        id: nextGroup, prefix: prefix, request: request, places: places, questions: states)
      guard !states.isEmpty else {
        prefixes.forget(scheduler.isInUse(prefix.id) ? [] : [prefix.id])
        continue
      }
      nextGroup += 1
      counters.groups += 1
      groups[group.id] = group
      scheduler.add(group.plan)
    }
    return refused
  }

  private func ledger(of image: CompressedImage, _ selected: QuestionSelection?) -> TokenLedger {
    TokenLedger(
      encoded: image.encodedTokens, compressed: image.tokenCount, selected: image.tokenCount,
      scales: image.scales?.histogram ?? [:], selection: selected?.mode ?? .none,
      selectionLayer: selected == nil ? nil : selection.layer)
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
    prefixes.forget(scheduler.takeEvicted())
    count(step)
    let running = step.slices.compactMap { groups[$0.group] }
    for group in running { group.begin() }
    let output = try StepComputation(step: step, groups: running, language: language, settings: selection)
      .run()
    onStep?(step.slices.reduce(0) { $0 + $1.rows.count }, scheduler.cellsUsed)
    for (slice, group) in zip(step.slices, running) where slice.endsPrefix(of: group.prefix.rowCount) {
      group.prefix.wasComputed()
    }
    return take(output, of: running)
  }

  /// Hands each row's logits to its question. Returns those that finished.
  private func take(_ output: StepComputation.Output, of running: [ImageGroupState]) -> [Completion] {
    let width = language.parameters.vocabulary
    var finished: [Completion] = []
    output.logits.withUnsafeBufferPointer { logits in
      for (index, (slice, content)) in output.wanted.enumerated() {
        let group = running[slice]
        switch group.take(.init(rebasing: logits[index * width..<(index + 1) * width]), of: content) {
        case .goOn(let question): scheduler.goOn(group: group.id, question: question)
        case .finished(let question, let completion):
          finished.append(completion)
          if scheduler.finish(group: group.id, question: question) { groups[group.id] = nil }
        case .wait: break
        }
      }
    }
    return finished
  }

  private func count(_ step: Step) {
    counters.steps += 1
    for slice in step.slices {
      counters.ownPrefixRows += slice.selections.reduce(0) { $0 + $1.cells.count }
      for row in slice.rows {
        switch row.content {
        case .prefix: counters.prefixRows += 1
        case .prompt, .branch: counters.promptRows += 1
        case .answer: counters.answerRows += 1
        }
      }
    }
  }
}
