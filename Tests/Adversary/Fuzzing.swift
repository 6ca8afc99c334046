import Foundation

/// How hard the fuzz tests try: a little in every test run, as long as is wanted by `script/fuzz`.
public enum Fuzzing {
  /// Every fuzz test does this many times its usual work (`FOCUS_FUZZ_ROUNDS`).
  public static let rounds = setting("FOCUS_FUZZ_ROUNDS", default: 1)

  /// Random numbers of one test; the same in every run with the same `FOCUS_FUZZ_SEED`.
  public static func random(_ test: UInt64) -> SplitMix {
    SplitMix(state: test &+ UInt64(setting("FOCUS_FUZZ_SEED", default: 0)) << 32)
  }

  /// `whole` with so many of its bytes replaced, removed or repeated.
  public static func damaged(_ whole: Data, places: Int, _ random: inout SplitMix) -> Data {
    var bytes = Array(whole)
    for _ in 0..<places where !bytes.isEmpty {
      let place = Int.random(in: bytes.indices, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes.remove(at: place)
      case 1: bytes.insert(bytes[place], at: place)
      default: bytes[place] = .random(in: 0...255, using: &random)
      }
    }
    return Data(bytes)
  }

  private static func setting(_ name: String, default value: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
  }
}
