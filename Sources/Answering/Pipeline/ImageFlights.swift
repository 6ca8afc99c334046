/// Which job encodes an image and which jobs wait for it, while several jobs on one image are in flight.
///
/// Pure: an event goes in, actions come out; `SharedEncodes` carries them out. A failure is never kept: a
/// retryable one makes the next waiting job encode, a final one fails the jobs that wait now, and a job that
/// joins later begins afresh. Each job encodes an image at most once, so retries end.
struct ImageFlights<Image: Hashable & Sendable> {
  enum Action: Equatable {
    /// This job runs the vision tower; the others wait for it.
    case encode(job: Int)
    /// This job waits: `encode`, `ready` or `fail` follows for it.
    case wait(job: Int)
    /// The compressed image is there for these jobs.
    case ready(jobs: [Int])
    /// These jobs fail with the encoding job's error.
    case fail(jobs: [Int])
    /// No job in flight needs the compressed image any more.
    case forget(Image)
  }

  private enum State {
    /// Waiting jobs in the order they joined.
    case encoding(by: Int, waiting: [Int])
    case ready(users: Set<Int>)
  }

  private var states: [Image: State] = [:]

  /// Whether no job in flight has an image.
  var isEmpty: Bool { states.isEmpty }

  /// `job` needs `image`. Answers `encode`, `wait` or `ready`.
  mutating func join(_ job: Int, image: Image) -> Action {
    switch states[image] {
    case nil:
      states[image] = .encoding(by: job, waiting: [])
      return .encode(job: job)
    case .encoding(let encoder, let waiting):
      states[image] = .encoding(by: encoder, waiting: waiting + [job])
      return .wait(job: job)
    case .ready(let users):
      states[image] = .ready(users: users.union([job]))
      return .ready(jobs: [job])
    }
  }

  /// `job` has encoded `image`. Nothing where it is not the one encoding it.
  mutating func encoded(_ image: Image, by job: Int) -> [Action] {
    guard case .encoding(by: job, let waiting) = states[image] else { return [] }
    states[image] = .ready(users: Set(waiting + [job]))
    return waiting.isEmpty ? [] : [.ready(jobs: waiting)]
  }

  /// `job` could not encode `image`. Retryable: another job on the same image may succeed.
  mutating func failed(_ image: Image, by job: Int, isRetryable: Bool) -> [Action] {
    guard case .encoding(by: job, var waiting) = states[image] else { return [] }
    guard isRetryable, !waiting.isEmpty else {
      states[image] = nil
      return waiting.isEmpty ? [] : [.fail(jobs: waiting)]
    }
    let next = waiting.removeFirst()
    states[image] = .encoding(by: next, waiting: waiting)
    return [.encode(job: next)]
  }

  /// `job` needs `image` no longer: it ended, or was abandoned while waiting or encoding.
  mutating func leave(_ job: Int, image: Image) -> [Action] {
    switch states[image] {
    case nil:
      return []
    case .encoding(by: job, _):
      return failed(image, by: job, isRetryable: true)
    case .encoding(let encoder, let waiting):
      states[image] = .encoding(by: encoder, waiting: waiting.filter { $0 != job })
      return []
    case .ready(var users):
      guard users.remove(job) != nil else { return [] }
      states[image] = users.isEmpty ? nil : .ready(users: users)
      return users.isEmpty ? [.forget(image)] : []
    }
  }
}
