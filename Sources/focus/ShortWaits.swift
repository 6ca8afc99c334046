import Foundation

/// Keeps waiting compute threads from holding cores that others could use.
///
/// libgomp's threads spin for milliseconds at each barrier of a graph. Where other programs use the cores too, that
/// made decoding several times slower; on idle cores waits of this length cost nothing that could be measured.
/// libgomp reads its setting while it is loaded, before `main`: so the program starts itself again with it, once,
/// under the same process id.
enum ShortWaits {
  private static let spins = "20000"

  static func begin() {
    #if os(Linux)
      guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil,
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      else { return }
      setenv("GOMP_SPINCOUNT", spins, 1)
      // Returns only where it failed: then the waits stay long.
      execv(program, CommandLine.unsafeArgv)
    #endif
  }
}
