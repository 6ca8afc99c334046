import Foundation
import Synchronization

/// Places where a test lets a worker die or stand still, compiled into debug builds alone.
///
/// `FOCUS_FAILPOINTS` lists them, divided by commas: `transaction.produced=kill@2` kills the process (SIGKILL) when it
/// comes there the second time, `answer/poison=stop` stops it (SIGSTOP) when it comes there with the job "poison".
package enum Failpoint {
  /// The worker has come to the place `name`, with `detail`.
  package static func reach(_ name: StaticString, _ detail: @autoclosure () -> String = "") {
    #if DEBUG
      if points.isEmpty { return }
      let (name, detail) = ("\(name)", detail())
      for point in points where point.name == name && (point.detail ?? detail) == detail {
        // To this thread, so that it takes no step further.
        if point.passes.add(1, ordering: .relaxed).newValue == point.turn { raise(point.signal) }
      }
    #endif
  }

  #if DEBUG
    private final class Point: Sendable {
      let name: String
      let detail: String?
      let signal: Int32
      let turn: Int
      let passes = Atomic(0)

      init?(_ text: Substring) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let place = parts[0].split(separator: "/", maxSplits: 1)
        let action = parts[1].split(separator: "@", maxSplits: 1)
        guard let first = place.first, let kind = action.first, kind == "kill" || kind == "stop" else {
          return nil
        }
        name = String(first)
        detail = place.count == 2 ? String(place[1]) : nil
        signal = kind == "kill" ? SIGKILL : SIGSTOP
        turn = action.count == 2 ? Int(action[1]) ?? 1 : 1
      }
    }

    private static let points = (ProcessInfo.processInfo.environment["FOCUS_FAILPOINTS"] ?? "")
      .split(separator: ",").compactMap(Point.init)
  #endif
}
