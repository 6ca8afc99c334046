import Answering
import ArgumentParser

/// How much is done at once, and how long stopping may take.
struct PipelineOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Jobs the model works on at once.", valueName: "count"))
  var jobsInFlight = 8

  @Option(
    help: ArgumentHelp("Jobs read ahead of the model, their images fetched and tiled.", valueName: "count"))
  var lookAhead = 4

  @Option(
    help: ArgumentHelp("Seconds that jobs in flight may still take after an interrupt.", valueName: "seconds")
  )
  var drainTimeout = 30.0

  func settings() throws -> PipelineSettings {
    guard jobsInFlight >= 1 else {
      throw Failure.unusable("--jobs-in-flight must be at least 1, not \(jobsInFlight)")
    }
    guard lookAhead >= 0 else { throw Failure.unusable("--look-ahead must be at least 0, not \(lookAhead)") }
    guard (0...86_400).contains(drainTimeout) else {
      throw Failure.unusable("--drain-timeout must be from 0 to 86400 seconds, not \(drainTimeout)")
    }
    return PipelineSettings(
      jobsInFlight: jobsInFlight, lookAhead: lookAhead, drainTimeout: .seconds(drainTimeout))
  }
}
