import Foundation

/// Variables that libraries read while they are loaded, before `main`: so the program sets those that nobody has set
/// and starts itself again, once, under the same process id.
enum StartEnvironment {
  private static let variables = [
    // libgomp's threads spin for milliseconds at each barrier of a graph. Where other programs use the cores too, that
    // made decoding several times slower; on idle cores waits of this length cost nothing that could be measured.
    "GOMP_SPINCOUNT": "20000",
    // glibc gives each thread a heap of its own, and lets ever larger blocks lie in it. Pixels, tokens and results are
    // allocated on one thread and freed on another: the heaps grew by 60 bytes with each answer, and two thirds of
    // them were free after 20 minutes.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "4194304",
  ]

  static func begin() {
    #if os(Linux)
      var missing = variables.filter { getenv($0.key) == nil }
      if getenv("OMP_WAIT_POLICY") != nil { missing["GOMP_SPINCOUNT"] = nil }
      guard !missing.isEmpty,
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      else { return }
      for (name, value) in missing { setenv(name, value, 1) }
      // Returns only where it failed: then it goes on without.
      execv(program, CommandLine.unsafeArgv)
    #endif
  }
}
