import Foundation
import Synchronization

/// A few named threads for C calls that block. Swift's cooperative pool has one thread for each core: a handful of
/// slow servers would stop the whole process there.
final class BlockingThreads: Sendable {
  private let waiting = WaitingWork()
  private let count: Int

  /// - Parameters:
  ///   - name: what debuggers show, at most 12 characters.
  ///   - count: work done at once.
  ///   - atEnd: runs on each thread before it ends, for what a C library keeps for each thread.
  init(name: String, count: Int, atEnd: @escaping @Sendable () -> Void = {}) {
    self.count = max(1, count)
    for index in 1...self.count {
      let thread = Thread { [waiting] in
        Self.setName("\(name)-\(index)")
        Self.blockBrokenPipeSignal()
        while let work = waiting.next() { work() }
        atEnd()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  /// What debuggers and `top` show. Foundation's own name reaches the system only sometimes on Linux, and glibc's
  /// call for it is hidden from Swift.
  private static func setName(_ name: String) {
    #if os(Linux)
      let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
      guard file >= 0 else { return }
      _ = write(file, name, name.utf8.count)
      close(file)
    #else
      pthread_setname_np(name)
    #endif
  }

  /// A server that hangs up on a TLS connection must not end the process.
  private static func blockBrokenPipeSignal() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  deinit {
    waiting.end(threads: count)
  }

  /// Runs blocking work on one of the threads, in order of arrival.
  ///
  /// Cancelling the task abandons work that has not begun, and raises the flag for work that has; either way the
  /// call throws `CancellationError`.
  func run<Value: Sendable>(
    _ work: @escaping @Sendable (CancellationFlag) throws -> Value
  ) async throws -> Value {
    let flag = CancellationFlag()
    let caller = WaitingCaller<Value>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        caller.wait(continuation)
        if flag.isCancelled { caller.resume(.failure(CancellationError())) }
        waiting.add {
          if !flag.isCancelled { caller.resume(Result { try work(flag) }) }
        }
      }
    } onCancel: {
      flag.cancel()
      caller.resume(.failure(CancellationError()))
    }
  }
}

/// Resumes a suspended caller once, whichever of the work and the cancellation comes first.
private final class WaitingCaller<Value: Sendable>: Sendable {
  private let continuation = Mutex<CheckedContinuation<Value, any Error>?>(nil)

  func wait(_ caller: CheckedContinuation<Value, any Error>) {
    continuation.withLock { $0 = caller }
  }

  func resume(_ result: Result<Value, any Error>) {
    let caller = continuation.withLock { current in
      defer { current = nil }
      return current
    }
    caller?.resume(with: result)
  }
}

/// First in, first out between any callers and the threads.
private final class WaitingWork: Sendable {
  private let queue = Mutex<(work: [@Sendable () -> Void], begun: Int)>(([], 0))
  private let available = DispatchSemaphore(value: 0)

  func add(_ work: @escaping @Sendable () -> Void) {
    queue.withLock { $0.work.append(work) }
    available.signal()
  }

  /// Blocks until there is work; nil when the threads should end.
  func next() -> (@Sendable () -> Void)? {
    available.wait()
    return queue.withLock { queue in
      guard queue.begun < queue.work.count else { return nil }
      let work = queue.work[queue.begun]
      queue.begun += 1
      // What has begun is let go, now and then, so that a queue that is never empty does not grow.
      if queue.begun == queue.work.count || queue.begun > 64 {
        queue = (Array(queue.work.dropFirst(queue.begun)), 0)
      }
      return work
    }
  }

  func end(threads: Int) {
    for _ in 0..<threads { available.signal() }
  }
}
