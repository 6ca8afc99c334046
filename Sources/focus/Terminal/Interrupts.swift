import Answering
import Dispatch
import Foundation

/// SIGINT and SIGTERM: the first begins the drain, the second ends the process at once.
///
/// The signal handlers run on a queue of their own, never on Swift's cooperative pool, so that they work while
/// the model computes.
final class Interrupts {
  private let queue = DispatchQueue(label: "focus.interrupts")
  /// Kept so that the signals stay watched.
  private var sources: [any DispatchSourceSignal] = []

  /// - Parameter drainTimeout: after this and ten seconds of grace, the process ends whatever is in flight.
  init(beginning drain: Signal, drainTimeout: Duration) {
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      let queue = queue
      source.setEventHandler {
        if drain.isRaised { Self.stopNow() }
        StandardError.shared.write("finishing the jobs in flight; interrupt again to stop at once")
        drain.raise()
        let deadline = drainTimeout / .seconds(1) + 10
        queue.asyncAfter(deadline: .now() + deadline) { Self.stopNow() }
      }
      source.resume()
      sources.append(source)
    }
  }

  /// Ends without unwinding: a half-written line is dropped when the run is continued.
  private static func stopNow() -> Never {
    StandardError.shared.removeBar()
    _exit(ExitStatus.interrupted.rawValue)
  }
}
