import ArgumentParser

/// Which images may be fetched, and how large they may be.
struct ImageOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Refuse images with more pixels than this.", valueName: "count"))
  var maxPixels = 89_478_485

  @Option(
    help: ArgumentHelp(
      "Allow fetching from this host, or from *.suffix. URLs are off without it. Repeatable.",
      valueName: "host"))
  var allowHost: [String] = []

  @Option(
    help: ArgumentHelp(
      "Directory below which file: and relative paths may be read. (default for run: that of the job file; with "
        + "--images it is that directory, always)", valueName: "directory"))
  var imageRoot: String?

  @Option(
    help: ArgumentHelp(
      "Endpoint for s3: images; credentials come from the AWS_… variables.", valueName: "url"))
  var s3Endpoint: String?

  func check() throws {
    if maxPixels < 1 { throw Failure.unusable("--max-pixels must be at least 1, not \(maxPixels)") }
  }
}
