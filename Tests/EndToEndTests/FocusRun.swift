import Adversary
import Foundation
import Testing

/// The built `focus` executable, or another of the package's, run as its users run it.
final class FocusRun: Sendable {
  struct Ending: Sendable {
    /// The exit status; nil where a signal ended it.
    var status: Int32?
    var signal: Int32?
    /// What it said on standard error.
    var errors: String
  }

  private let process = Process()
  private let errors: URL
  private let ends = AsyncStream<Never>.makeStream()

  /// - Parameters:
  ///   - program: another of the package's.
  ///   - folder: takes what it says on standard error.
  ///   - isHeard: whether somebody reads its standard error.
  ///   - fileBlocks: no file may grow beyond so many blocks of 512 bytes.
  ///   - variables: further ones of its environment.
  init(
    _ arguments: [String], of program: String = "focus", in folder: TemporaryFolder, input: Pipe? = nil,
    output: Pipe? = nil,
    isHeard: Bool = true, fileBlocks: Int? = nil, variables: [String: String] = [:]
  ) throws {
    errors = folder.url.appending(path: "errors-\(UUID().uuidString)")
    try Data().write(to: errors)
    let executable = Self.products.appending(path: program)
    if let fileBlocks {
      // The shell's own blocks differ, so it is told in POSIX' way.
      process.executableURL = URL(filePath: "/bin/sh")
      let command = #"ulimit -f "$0"; exec "$@""#
      process.arguments = ["-c", command, String(fileBlocks), executable.path] + arguments
    } else {
      process.executableURL = executable
      process.arguments = arguments
    }
    var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("FOCUS_") }
    // The cache that is used by default is the test's own, never the user's.
    environment["XDG_CACHE_HOME"] = folder.path("cache")
    process.environment = environment.merging(variables) { $1 }
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = output ?? FileHandle.nullDevice
    let deaf = Pipe()
    process.standardError = isHeard ? try FileHandle(forWritingTo: errors) : deaf.fileHandleForWriting
    try deaf.fileHandleForReading.close()
    process.terminationHandler = { [ends] _ in ends.continuation.finish() }
    try process.run()
  }

  /// No run outlives its test.
  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  var processID: Int32 { process.processIdentifier }

  func send(_ signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits for the end of the process. A test whose time is over kills it.
  func end() async -> Ending {
    for await _ in ends.stream {}
    if process.isRunning {
      send(SIGKILL)
      process.waitUntilExit()
    }
    let code = process.terminationStatus
    let isSignal = process.terminationReason == .uncaughtSignal
    return Ending(status: isSignal ? nil : code, signal: isSignal ? code : nil, errors: said)
  }

  /// Sends the signal as soon as something has come true; false where the process ended before.
  func send(_ signal: Int32, when isTrue: @escaping @Sendable (FocusRun) -> Bool) async -> Bool {
    await happens(isTrue) { $0.send(signal) }
  }

  /// Waits until something has come true; false where the process ended before.
  ///
  /// - Parameter act: done at once. What follows the call may have to wait for its turn among other tests.
  func happens(
    _ isTrue: @escaping @Sendable (FocusRun) -> Bool,
    then act: @escaping @Sendable (FocusRun) -> Void = { _ in }
  ) async -> Bool {
    await withCheckedContinuation { continuation in
      // A thread of its own: tasks of busy tests share a few. Nothing tells of all that can happen to files, so
      // it looks again soon.
      Thread {
        while self.process.isRunning, !isTrue(self) { usleep(1000) }
        let hasHappened = isTrue(self)
        if hasHappened { act(self) }
        continuation.resume(returning: hasHappened)
      }.start()
    }
  }

  /// Whether SIGSTOP holds it.
  var isStopped: Bool {
    let state = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
    // The name before it stands in brackets and may hold anything.
    return state?.split(separator: ")").last?.hasPrefix(" T") ?? false
  }

  /// What it has said on standard error so far.
  var said: String { String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self) }

  /// Where the package's products lie: beside the test bundle.
  private static var products: URL {
    #if os(macOS)
      let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
      return (bundle ?? .main).bundleURL.deletingLastPathComponent()
    #else
      return Bundle.main.bundleURL
    #endif
  }
}
