import ArgumentParser

/// Where compressed images are kept between runs.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where images' tokens are kept: sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE, memory: or none. "
        + "(default: sqlite: with focus/tokens.sqlite in $XDG_CACHE_HOME or ~/.cache)", valueName: "url"))
  var cache: String?

  @Option(
    help: ArgumentHelp(
      "Most that the cache holds, as 500M or 2T; the least recently used images go first. Not for "
        + "postgres:. (default: 20G; in memory 1G)", valueName: "bytes"))
  var cacheSize: ByteCount?
}

/// A number of bytes as people write it: `1500`, `64K`, `20G`; the units are powers of 1024.
struct ByteCount: ExpressibleByArgument, Equatable, Sendable {
  var bytes: Int

  private static let units: [Character] = ["K", "M", "G", "T"]

  init(_ bytes: Int) { self.bytes = bytes }

  /// As it is written, in the largest unit that holds it whole.
  var defaultValueDescription: String {
    guard bytes > 0 else { return "\(bytes)" }
    let power = min(bytes.trailingZeroBitCount / 10, Self.units.count)
    return "\(bytes >> (10 * power))" + (power == 0 ? "" : String(Self.units[power - 1]))
  }

  init?(argument: String) {
    var digits = argument.uppercased()
    var unit = 1
    if let last = digits.last, let power = Self.units.firstIndex(of: last) {
      digits.removeLast()
      unit = 1 << (10 * (power + 1))
    }
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(digits) else {
      return nil
    }
    let (bytes, isTooMuch) = count.multipliedReportingOverflow(by: unit)
    if isTooMuch { return nil }
    self.bytes = bytes
  }
}

/// A time span as people write it: `90s`, `30m`, `12h`, `30d`, `2w`.
struct Age: ExpressibleByArgument, Equatable, Sendable {
  var seconds: Int

  private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]

  init?(argument: String) {
    guard let last = argument.last, let unit = Self.units[last], let count = Int(argument.dropLast()),
      // A thousand years: dates stay far from overflow.
      count >= 0, count <= 1000 * 366 * 86_400 / unit
    else { return nil }
    seconds = count * unit
  }
}
