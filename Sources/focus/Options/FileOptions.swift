import ArgumentParser
import Foundation

/// Where jobs are read and results written.
struct FileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("File with jobs; - for standard input.", valueName: "file"))
  var input: String?

  @Option(help: ArgumentHelp("File for results; - for standard output.", valueName: "file"))
  var output: String?

  @Option(help: "Format of the input. (default: guessed)")
  var format: JobFormat?

  @Option(
    help: ArgumentHelp(
      "File name of an image in the vqav2 format, as in COCO_val2014_{image_id:012}.jpg.",
      valueName: "template"))
  var imageTemplate: String?

  @Option(
    help: ArgumentHelp(
      "Directory of images to ask the questions of, in place of --input.", valueName: "directory"))
  var images: String?

  @Option(help: ArgumentHelp("Question asked of each image in --images. Repeatable.", valueName: "text"))
  var question: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write one text file with this extension beside each image in --images.", valueName: "extension"))
  var sidecar: String?

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Begin anew where the output exists, instead of continuing it.")
  var overwrite: Bool?

  /// Where relative paths of images are when `--image-root` names no other place: the job file's folder. Jobs from
  /// standard input have none.
  var jobFolder: String? {
    guard let input, input != "-" else { return nil }
    return URL(fileURLWithPath: input).deletingLastPathComponent().path
  }

  /// Throws `Failure` where the options do not fit together.
  func check() throws {
    switch (input, images) {
    case (nil, nil):
      throw Failure.unusable("no jobs given: add --input FILE, or --images DIRECTORY --question TEXT")
    case (_?, _?): throw Failure.unusable("--input and --images exclude each other: give one")
    case (_?, nil):
      if !question.isEmpty { throw Failure.unusable("--question goes with --images, not with --input") }
      if sidecar != nil { throw Failure.unusable("--sidecar goes with --images, not with --input") }
    case (nil, _?):
      if question.isEmpty {
        throw Failure.unusable("--images needs --question TEXT: what to ask of each image")
      }
      if format != nil { throw Failure.unusable("--format goes with --input, not with --images") }
    }
    if output == nil, sidecar == nil {
      throw Failure.unusable(
        "no place for results: add --output FILE" + (images == nil ? "" : " or --sidecar .txt"))
    }
    try checkPaths()
  }

  /// Finds a mistyped path before a large model is loaded.
  private func checkPaths() throws {
    if let input, input != "-", !FileManager.default.isReadableFile(atPath: input) {
      throw Failure.unusable("--input \(input): \(unreadable(input))")
    }
    if let images, !isFolder(images) { throw Failure.unusable("--images \(images): no such folder") }
    guard let output, output != "-" else { return }
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    guard isFolder(folder) else {
      throw Failure.unusable("--output \(output): there is no folder \(folder); make it first")
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}

enum JobFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case jobs
  case openaiBatch = "openai-batch"
  case llava
  case vqav2
}
