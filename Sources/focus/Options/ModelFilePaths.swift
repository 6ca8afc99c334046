import ArgumentParser

/// Where the model's files lie.
struct ModelFilePaths: Equatable, Sendable {
  var language: String
  var vision: String
  /// nil where the model has no samplers of its own.
  var sampler: String?

  /// Each part with its path.
  var parts: [(part: ModelFilePin.Part, path: String)] {
    [(.language, language), (.vision, vision)] + (sampler.map { [(.sampler, $0)] } ?? [])
  }
}

/// The digest that one of the model's files must have.
struct ModelFilePin: ExpressibleByArgument, Equatable, Sendable {
  enum Part: String, CaseIterable, Sendable {
    case language
    case vision
    case sampler
  }

  var part: Part
  /// 64 lower-case hexadecimal digits.
  var sha256: String

  init?(argument: String) {
    let halves = argument.split(separator: "=", maxSplits: 1).map(String.init)
    guard halves.count == 2, let part = Part(rawValue: halves[0]) else { return nil }
    guard halves[1].utf8.count == 64, halves[1].allSatisfy(\.isHexDigit) else { return nil }
    self.part = part
    sha256 = halves[1].lowercased()
  }
}
