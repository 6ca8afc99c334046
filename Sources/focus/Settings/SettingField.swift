import ArgumentParser

/// A declared `@Option` or `@Flag`: the one definition from which flag, variable and configuration key follow.
protocol SettingField {
  static var kind: SettingKind { get }
  /// Whether the parsed value is one that was given. A value with a default always counts as not given.
  var isGiven: Bool { get }
}

enum SettingKind: Sendable, Equatable {
  case one
  case list
  /// `--name` or `--no-name`.
  case flag
}

extension Option: SettingField {
  static var kind: SettingKind { Value.self is any ListValue.Type ? .list : .one }
  var isGiven: Bool { hasContent(wrappedValue) }
}

extension Flag: SettingField {
  static var kind: SettingKind { .flag }
  var isGiven: Bool { hasContent(wrappedValue) }
}

/// Options kept in a struct of their own.
private protocol SettingGroup {
  static var group: any ParsableArguments.Type { get }
  var parsed: any ParsableArguments { get }
}

extension OptionGroup: SettingGroup {
  static var group: any ParsableArguments.Type { Value.self }
  var parsed: any ParsableArguments { wrappedValue }
}

private protocol ListValue {}
extension Array: ListValue {}

/// Whether an optional holds a value, or a list an element.
private func hasContent(_ value: Any) -> Bool {
  let mirror = Mirror(reflecting: value)
  switch mirror.displayStyle {
  case .optional, .collection: return !mirror.children.isEmpty
  default: return false
  }
}

/// A setting as a command declares it.
struct DeclaredSetting: Sendable, Equatable {
  /// As in `--name` and in the configuration file.
  var name: String
  var kind: SettingKind

  var variable: String { "FOCUS_" + name.uppercased().replacing("-", with: "_") }

  /// The command line arguments that set it to `value`.
  func arguments(for value: String) throws -> [String] {
    switch (kind, value) {
    case (.one, _), (.list, _): return ["--\(name)=\(value)"]
    case (.flag, "true"): return ["--\(name)"]
    case (.flag, "false"): return ["--no-\(name)"]
    case (.flag, _): throw Failure.unusable("“\(value)” is neither true nor false")
    }
  }

  /// All settings of a command or option group.
  static func declared(by type: any ParsableArguments.Type) -> [DeclaredSetting] {
    Mirror(reflecting: type.init()).children.flatMap { child -> [DeclaredSetting] in
      if let group = child.value as? any SettingGroup { return declared(by: Swift.type(of: group).group) }
      guard let field = child.value as? any SettingField, let label = child.label else { return [] }
      return [DeclaredSetting(name: optionName(label), kind: Swift.type(of: field).kind)]
    }
  }

  /// Names of the settings that the arguments of a parsed command gave.
  static func given(in command: any ParsableArguments) -> Set<String> {
    Mirror(reflecting: command).children.reduce(into: []) { names, child in
      if let group = child.value as? any SettingGroup { names.formUnion(given(in: group.parsed)) }
      if let field = child.value as? any SettingField, let label = child.label, field.isGiven {
        names.insert(optionName(label))
      }
    }
  }

  /// `_maxPixels` (a wrapped property's storage) is `--max-pixels`, as the parser names it.
  private static func optionName(_ label: String) -> String {
    label.drop { $0 == "_" }.reduce(into: "") { name, letter in
      name += letter.isUppercase ? "-" + letter.lowercased() : String(letter)
    }
  }
}
