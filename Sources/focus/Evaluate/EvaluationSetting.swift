import Answering
import LlavaModel

/// One way to compress and select. What it does not say is as the model and the other options have it.
struct EvaluationSetting: Equatable {
  /// As it was written, each key with one value; in the order of `Key`.
  private(set) var values: [Key: String] = [:]

  enum Key: String, CaseIterable {
    case router
    case budget
    case selection
    case ratio
    case layer
    case importance
  }

  /// What is compared where nothing is asked for.
  static let usual = ["router=none selection=none", ""]

  var name: String {
    let parts = Key.allCases.compactMap { key in values[key].map { "\(key.rawValue)=\($0)" } }
    return parts.isEmpty ? "as the model is set" : parts.joined(separator: " ")
  }

  /// All combinations of a text like `router=learned|density budget=0.2|0.4 selection=prune`. Throws `Failure` for
  /// what it cannot mean.
  static func all(of text: String) throws -> [EvaluationSetting] {
    var settings = [EvaluationSetting()]
    var seen: Set<Key> = []
    for part in text.split(separator: " ") {
      let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2, let key = Key(rawValue: sides[0]) else {
        throw Failure.unusable(
          "--setting “\(text)”: “\(part)” is none of \(Key.allCases.map { "\($0.rawValue)=…" }.joined(separator: ", "))"
        )
      }
      guard seen.insert(key).inserted else {
        throw Failure.unusable("--setting “\(text)” gives \(key.rawValue) twice; put values together: a|b")
      }
      let values = sides[1].split(separator: "|").map(String.init)
      guard !values.isEmpty else {
        throw Failure.unusable("--setting “\(text)” gives \(key.rawValue) no value")
      }
      for value in values { try check(value, of: key) }
      settings = settings.flatMap { setting in
        values.map { value in
          var setting = setting
          setting.values[key] = value
          return setting
        }
      }
    }
    return settings.map(\.withoutIdle)
  }

  /// Without values that change nothing, so that combinations of them are one.
  private var withoutIdle: EvaluationSetting {
    var setting = self
    if values[.router] == "none" { setting.values[.budget] = nil }
    if values[.selection] == "none" {
      for key in [Key.ratio, .layer, .importance] { setting.values[key] = nil }
    }
    return setting
  }

  private static func check(_ value: String, of key: Key) throws {
    let allowed: [String]
    switch key {
    case .router: allowed = ["none"] + RouterChoice.allCases.map(\.rawValue)
    case .selection: allowed = SelectionMode.allCases.map(\.rawValue)
    case .importance: allowed = ImportanceSource.allCases.map(\.rawValue)
    case .budget, .ratio:
      if let share = Double(value), share > 0, share <= 1 { return }
      throw Failure.unusable("--setting: \(key.rawValue) must be above 0 and at most 1, not \(value)")
    case .layer:
      if let layer = Int(value), layer >= 1 { return }
      throw Failure.unusable("--setting: layer must be a number from 1, not \(value)")
    }
    if !allowed.contains(value) {
      throw Failure.unusable(
        "--setting: \(key.rawValue) must be one of \(allowed.joined(separator: ", ")), not \(value)")
    }
  }

  // MARK: What it changes

  /// nil where the setting says nothing.
  var compression: Compression? { values[.router].map { $0 == "none" ? .none : .auto } }

  func apply(to settings: inout EngineSettings) {
    if let router = values[.router].flatMap(RouterChoice.init) { settings.router = router }
    if let budget = values[.budget].flatMap(Double.init) { settings.visualBudget = budget }
    if let layer = values[.layer].flatMap(Int.init) { settings.selectionLayer = layer }
    if let source = values[.importance].flatMap(ImportanceSource.init) { settings.importance = source }
  }

  func apply(to parameters: inout GenerationParameters) {
    if let mode = values[.selection].flatMap(SelectionMode.init) { parameters.selection = mode }
    if let ratio = values[.ratio].flatMap(Double.init) { parameters.selectionRatio = ratio }
  }
}
