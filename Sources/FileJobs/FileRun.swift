import Answering
import Foundation

/// What `focus run` reads and writes, opened and checked: a source of jobs and a sink of results.
///
/// Answers, refusals and errors that the output already holds are not repeated; to ask a question again, remove
/// its line from the output. Resuming holds about 70 bytes in memory for each question of the input (of a stream,
/// for the last 200,000 at most), and 50 for each line of the output.
public struct FileRun: Sendable {
  /// Path of standard input or output.
  public static let stream = "-"

  public let source: any JobSource
  public let sink: FileResultSink
  public let format: FileFormat
  /// Results, errors and refusals that the output held already.
  public let doneEarlier: Int
  /// How many of them are errors and refusals.
  public let failedEarlier: Int
  /// How much of the input is read, for a progress bar: bytes of a file, images of a folder; nil where the
  /// length is not known.
  public let progress: @Sendable () -> (read: Int, of: Int)?

  /// A file of jobs; `-` for standard input or output. `format` nil is guessed from the input's first line.
  ///
  /// `model` and `settings` (those that change answers, by the name of their flag) must be the same whenever the
  /// output is continued. `defaults` hold where neither a job nor a question sets a parameter. Throws
  /// `FileJobsError`.
  public init(
    input: String, output: String, format: FileFormat? = nil, model: ModelIdentity,
    settings: [String: String], defaults: GenerationParameters = .init(), imageTemplate: String? = nil,
    overwrite: Bool = false, limits: JobLimits = .files
  ) throws(FileJobsError) {
    let file = input == Self.stream ? FileDescriptor.standardInput : try .reading(input)
    var lines = LineReader(file, limit: limits.messageBytes)
    // A stream whose format is given may stay silent for long: nothing waits for its first line here.
    if format == nil || file.isRegular { try Self.checkText(try lines.beginning(), of: file.path) }
    let format = if let format { format } else { FileFormat.guess(from: try lines.beginning()) }
    let results = format.results(model: model)
    let template: ImageTemplate? = if format == .vqav2 { try ImageTemplate(imageTemplate) } else { nil }
    let opened = try Self.open(
      output, input: file, manifest: RunManifest(model: model, settings: settings, format: format),
      overwrite: overwrite, results: results)
    let total = file.isRegular ? file.length : nil
    let sequence: any LineSequence =
      template == nil ? lines : DocumentQuestions(file: file, beginning: try lines.beginning())
    let requests = format.requests(
      file: file.path, limits: limits, defaults: defaults, template: template, done: opened.done,
      seen: SeenKeys(limit: file.isRegular ? nil : SeenKeys.streamLimit))
    let source = FileJobSource(lines: sequence, totalBytes: total, requests: requests)
    self.source = source
    self.format = format
    sink = FileResultSink(
      output: opened.file, sidecars: nil, results: results, hasRecords: !opened.done.isEmpty)
    doneEarlier = opened.done.count
    failedEarlier = opened.failures
    progress = { total.map { (source.bytesRead, $0) } }
  }

  /// A folder of images. `output` nil leaves only the text files beside the images; those there are kept, and
  /// without an output they also mean that their images are done. `overwrite` replaces both. One run at a time
  /// writes text files in a folder.
  public init(
    images folder: ImageFolder, output: String?, model: ModelIdentity, settings: [String: String],
    overwrite: Bool = false
  ) throws(FileJobsError) {
    let images = try folder.images()
    var sidecars: Sidecars?
    var lockedFolder: FileDescriptor?
    if let pathExtension = folder.sidecarExtension {
      let file = try FileDescriptor.folder(folder.path)
      try file.lock()
      lockedFolder = file
      sidecars = Sidecars(folder: folder.path, pathExtension: pathExtension, overwrite: overwrite)
    }
    let results = JobRecords()
    var opened: ResumableOutput?
    if let output {
      opened = try Self.open(
        output, input: nil, manifest: RunManifest(model: model, settings: settings, format: .jobs),
        overwrite: overwrite,
        results: results)
    }
    let source = ImageFolderSource(
      folder: folder, images: images, sidecars: sidecars, sidecarsTell: opened == nil,
      done: opened?.done ?? [])
    self.source = source
    format = .jobs
    sink = FileResultSink(
      output: opened?.file, sidecars: sidecars, results: results, hasRecords: false,
      lockedFolder: lockedFolder)
    doneEarlier = opened?.done.count ?? 0
    failedEarlier = opened?.failures ?? 0
    progress = { (source.imagesRead, images.count) }
  }

  /// Finds an input that cannot hold jobs, before a large model is loaded. Throws `FileJobsError`.
  public static func check(input: String) throws(FileJobsError) {
    // What a pipe gives is gone for the run itself, and its writer with the first reader.
    if FileDescriptor.isPipe(input) { return }
    let file = try FileDescriptor.reading(input)
    guard file.isRegular else { return }
    try checkText(Data(try file.read(upTo: 512)), of: input)
  }

  private static func checkText(_ beginning: Data, of path: String) throws(FileJobsError) {
    if let content = BinaryContent(beginning: beginning) {
      throw .notJobs(path: path, advice: content.advice)
    }
  }

  private static func open(
    _ output: String, input: FileDescriptor?, manifest: RunManifest, overwrite: Bool,
    results: some ResultLines
  ) throws(FileJobsError) -> ResumableOutput {
    guard output != stream else { return ResumableOutput(file: .standardOutput) }
    return try .open(output, input: input, manifest: manifest, overwrite: overwrite, results: results)
  }
}

extension FileFormat {
  func requests(
    file: String, limits: JobLimits, defaults: GenerationParameters, template: ImageTemplate?,
    done: Set<ProgressKey>, seen: SeenKeys
  ) -> any RequestLines {
    func grouped(_ questions: some QuestionLines) -> any RequestLines {
      GroupedRequests(file: file, done: done, questions: questions)
    }
    switch self {
    case .jobs: return JobRequests(file: file, limits: limits, defaults: defaults, done: done, seen: seen)
    case .openAIBatch: return grouped(BatchQuestions(limits: limits, defaults: defaults, seen: seen))
    case .llava: return grouped(LlavaQuestions(limits: limits, defaults: defaults, seen: seen))
    case .vqav2: return grouped(VQAQuestions(template: template ?? .plain, defaults: defaults))
    }
  }

  fileprivate func results(model: ModelIdentity) -> any ResultLines {
    switch self {
    case .jobs: JobRecords()
    case .openAIBatch: BatchRecords()
    case .llava: LlavaRecords(modelName: model.name)
    case .vqav2: VQARecords()
    }
  }
}
