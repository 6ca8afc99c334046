import Configuration
import Foundation
import SystemPackage
import Yams

/// One place below the command line where settings come from.
struct SettingLayer {
  private let provider: any ConfigProvider
  /// How a setting is called there, for messages.
  let place: @Sendable (DeclaredSetting) -> String

  /// Variables `FOCUS_…`; lists are separated by commas.
  init(environment: [String: String]) {
    let filled = environment.filter { !$0.value.isEmpty }
    provider = EnvironmentVariablesProvider(environmentVariables: filled).prefixKeys(with: "focus")
    place = { $0.variable }
  }

  /// A YAML file. Refuses keys that no command knows, by name: a typo must not be ignored.
  init(file path: String, known: [DeclaredSetting]) async throws {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw Failure.unusable("--config \(path): \(unreadable(path))")
    }
    do {
      let names = Set(known.map(\.name))
      for (key, value) in try Yams.compose(yaml: text)?.mapping ?? [:] {
        let name = key.string ?? "\(key)"
        if !names.contains(name) {
          throw Failure.unusable("--config \(path): unknown key “\(name)”\(hint(name, names))")
        }
        if value.mapping != nil {
          throw Failure.unusable("--config \(path): “\(name)” takes a value or a list, not keys of its own")
        }
      }
      provider = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure.unusable("--config \(path): not usable as YAML: \(error)")
    }
    place = { "\($0.name) in \(path)" }
  }

  /// The setting's values here, or nil where it is not set; one value where it is no list.
  func values(of setting: DeclaredSetting) throws -> [String]? {
    let key = AbsoluteConfigKey([setting.name])
    do {
      if setting.kind == .list {
        guard let found = try provider.value(forKey: key, type: .stringArray).value else { return nil }
        guard case .stringArray(let values) = found.content else { return nil }
        return values
      }
      guard let found = try provider.value(forKey: key, type: .string).value else { return nil }
      guard case .string(let value) = found.content else { return nil }
      return [value]
    } catch {
      throw Failure.unusable("\(place(setting)) must be \(setting.kind == .list ? "a list" : "one value")")
    }
  }
}

/// Names the known key that a mistyped one probably means: the same letters with other separators or case.
private func hint(_ unknown: String, _ names: Set<String>) -> String {
  func letters(_ name: String) -> String { name.lowercased().filter { $0.isLetter || $0.isNumber } }
  let meant = names.first { letters($0) == letters(unknown) || $0.hasPrefix(unknown) }
  return meant.map { "; did you mean “\($0)”?" } ?? "; keys are the long options of `focus run --help`"
}
