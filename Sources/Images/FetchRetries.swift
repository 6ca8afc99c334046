/// When an image that could not be fetched is asked for again. A pure rule: what happened in, a wait out.
///
/// Where a server asks for patience, and with the operator's own object store, another try is worth all the time that
/// the image has: what passes by would else cost every job of its time. Elsewhere two more tries are enough: lists of
/// addresses hold many dead ones, and each keeps a place in the pipeline as long as it is tried.
struct FetchRetries {
  /// What a failure says about another try.
  enum Prospect: Equatable {
    case none
    case some
    /// The server is there, and wants to be asked later: after so many seconds, or 0 where it names none.
    case later(seconds: Double)
  }

  static let triesElsewhere = 3
  /// Seconds; a server may ask for more.
  static let longestWait = 8.0

  let isOwnStore: Bool
  /// Seconds.
  let firstWait: Double
  private(set) var tries = 0

  init(isOwnStore: Bool, firstWait: Double) {
    self.isOwnStore = isOwnStore
    self.firstWait = firstWait
  }

  /// Seconds to wait after a try that failed, doubled from one to the next; nil where there is to be no other.
  ///
  /// - Parameter jitter: 0 to 1; so that many who were turned away together do not come back together.
  mutating func wait(after prospect: Prospect, jitter: Double) -> Double? {
    tries += 1
    let wait = min(Self.longestWait, firstWait * Double(1 << min(tries - 1, 10))) * (1 + jitter / 2)
    switch prospect {
    case .none: return nil
    case .some: return isOwnStore || tries < Self.triesElsewhere ? wait : nil
    case .later(let seconds): return max(seconds, wait)
    }
  }
}
