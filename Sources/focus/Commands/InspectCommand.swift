import Answering
import ArgumentParser
import Foundation
import Images
import LlavaModel
import Logging

/// `focus inspect`: shows what the samplers did with one image and one question, as a page or as pictures.
struct InspectCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows which tokens of an image are kept for a question, as one HTML page or as pictures.",
    discussion: """
      focus inspect --model DIR cat.jpg "What animal is this?" --output report.html

      The page needs nothing else: the image, how far each of its blocks was pooled, what the question keeps, \
      its importance at every layer, the answer and the token ledger. An earlier report is replaced.
      """)

  @Argument(help: ArgumentHelp("Image file, or a URL of a host that --allow-host names.", valueName: "image"))
  var image: String

  @Argument(help: ArgumentHelp("What to ask.", valueName: "question"))
  var question: String

  @Option(help: ArgumentHelp("HTML file for the page.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("Directory for the pictures as PNG files, made if missing.", valueName: "directory"))
  var png: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Answers") var answers: AnswerOptions
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    let parameters = try answers.parameters()
    try checkLength(ofQuestion: question)
    let files = try ReportFiles(page: output, pictures: png, image: image)
    let reference = try imageReference(named: image)
    let loader = try makeImageSource(images)
    let log = Logger(label: "focus.inspect")
    log.info("loading the model")
    let model = try await loadModel(model)
    do {
      let inspected = try await inspect(
        reference, Question(id: "1", text: question, parameters: parameters), loader, model, log)
      try await write(inspected, to: files, loader)
    } catch let rejection as Rejection {
      StandardError.shared.write("error: \(image): \(rejection)")
      throw EarlyEnd(status: .someFailed)
    }
  }

  private func inspect(
    _ reference: ImageReference, _ question: Question, _ loader: ImageLoader, _ model: LlavaModel,
    _ log: Logger
  ) async throws -> InspectedImage {
    var timings = StageTimings()
    let start = ContinuousClock.now
    let fetched = try await loader.fetch(reference)
    let tiles = try await loader.tiles(of: fetched, rules: model.tilingRules)
    timings.fetch = (ContinuousClock.now - start) / .milliseconds(1)
    let compression = answers.compression ?? .auto
    log.info("encoding the image")
    let compressed = try await model.compress(tiles, compression)
    timings.vision = compressed.milliseconds
    log.info("answering, and computing the importance at every layer")
    let key = TokenKey(imageSHA256: fetched.sha256, recipe: model.tokenRecipe(compression))
    let inspection = try await model.inspect(question, about: compressed.image, key: key)
    timings.prefill = inspection.prefillMilliseconds
    timings.decode = inspection.decodeMilliseconds
    return InspectedImage(
      name: redactingCredentials(in: image), sha256: fetched.sha256, size: tiles.originalSize,
      photo: try await loader.raster(of: fetched, longestSide: ReportPictures.largeSide),
      smallPhoto: try await loader.raster(of: fetched, longestSide: ReportPictures.smallSide),
      rules: model.tilingRules, tiles: tiles.tileCount, scales: compressed.image.scales,
      question: question.text, inspection: inspection, model: model.identity, promptName: model.promptName,
      timings: timings)
  }

  private func write(_ inspected: InspectedImage, to files: ReportFiles, _ loader: ImageLoader) async throws {
    let pictures = ReportPictures(inspected)
    var encoded: [String: Data] = [:]
    for (name, raster) in pictures.named { encoded[name] = try await loader.png(raster) }
    if files.pictures != nil {
      try files.makePictureFolder()
      for (name, _) in pictures.named {
        let path = files.path(ofPicture: name)
        try files.write(encoded[name] ?? Data(), to: path, replacing: ReportFiles.isPNG)
        print(path)
      }
    }
    if let page = files.page {
      let report = ReportPage(inspected, pictures, encoded: encoded)
      try files.write(Data(report.html.utf8), to: page, replacing: ReportFiles.isPage)
      print(page)
    }
  }
}
