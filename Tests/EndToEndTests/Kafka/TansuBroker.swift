import Adversary
import Foundation

/// Tansu, an independent Kafka-compatible broker that keeps its records in memory, on a port of its own.
///
/// It needs a librdkafka newer than Debian's: `variables` puts one before it.
final class TansuBroker: Sendable {
  static let topics = ["focus.jobs", "focus.results", "focus.dead-letters"]

  let address: String
  private let process = Process()

  /// Starts it with the three topics, and returns when they are there.
  init(in folder: TemporaryFolder, partitions: Int = 4) async throws {
    let port = try Self.freePort()
    address = "127.0.0.1:\(port)"
    let program = try Package.dependency("kafka/tansu")
    let log = folder.url.appending(path: "tansu-\(port).log")
    try Data().write(to: log)
    process.executableURL = URL(filePath: program)
    process.arguments = [
      "broker", "--listener-url", "tcp://\(address)", "--advertised-listener-url", "tcp://\(address)",
      "--storage-engine", "memory://tansu/",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: log)
    process.standardError = try FileHandle(forWritingTo: log)
    try process.run()
    for topic in Self.topics {
      try await Self.run(
        program, ["topic", "create", "--broker", "tcp://\(address)", "--partitions", "\(partitions)", topic])
    }
  }

  /// It takes its time over SIGTERM.
  deinit { kill(process.processIdentifier, SIGKILL) }

  /// For a process that talks to it.
  static var variables: [String: String] {
    get throws { ["LD_LIBRARY_PATH": try Package.dependency("kafka/lib")] }
  }

  /// Again while the broker does not listen yet.
  private static func run(_ program: String, _ arguments: [String]) async throws {
    for _ in 0..<100 {
      let process = Process()
      process.executableURL = URL(filePath: program)
      process.arguments = arguments
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      let status = try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { continuation.resume(throwing: error) }
      }
      if status == 0 { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw CocoaError(.featureUnsupported)
  }

  private static func freePort() throws -> UInt16 {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return UInt16(bigEndian: address.sin_port)
  }
}
