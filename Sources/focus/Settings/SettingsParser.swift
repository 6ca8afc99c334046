import ArgumentParser

/// Parses the command line, then again with what the environment and the configuration file add to it.
///
/// So each option is declared once, as an `@Option` or `@Flag`, and a value from anywhere is checked by the
/// same parser. Flags win, then the environment, then the file.
struct SettingsParser {
  var root: any ParsableCommand.Type

  func parse(_ arguments: [String], environment: [String: String]) async throws -> any ParsableCommand {
    let command = try root.parseAsRoot(arguments)
    let type = type(of: command)
    guard let path = Self.path(to: type, from: root) else { return command }

    var given = DeclaredSetting.given(in: command)
    var layers = [SettingLayer(environment: environment)]
    if let file = try configurationFile(of: command, layers[0]) {
      layers.append(try await SettingLayer(file: file, known: Self.declared(below: root)))
    }
    // A later argument wins, so what is added stands before what was given.
    var added: [String] = []
    for layer in layers {
      for setting in DeclaredSetting.declared(by: type) where !given.contains(setting.name) {
        guard let values = try layer.values(of: setting) else { continue }
        given.insert(setting.name)
        let extra = try values.flatMap { value in
          do { return try setting.arguments(for: value) } catch {
            throw Failure.unusable("\(layer.place(setting)): \(error)")
          }
        }
        do {
          _ = try root.parseAsRoot(path + extra + arguments.dropFirst(path.count))
        } catch {
          throw Failure.unusable("\(layer.place(setting)): \(root.message(for: error))")
        }
        added += extra
      }
    }
    return try root.parseAsRoot(path + added + arguments.dropFirst(path.count))
  }

  private func configurationFile(of command: any ParsableCommand, _ environment: SettingLayer) throws
    -> String?
  {
    guard let command = command as? any ConfiguredCommand else { return nil }
    return try command.shared.config
      ?? environment.values(of: DeclaredSetting(name: "config", kind: .one))?.first
  }

  /// The words that name a command below `from`; nil for another command's type.
  private static func path(to type: any ParsableCommand.Type, from root: any ParsableCommand.Type)
    -> [String]?
  {
    for command in root.configuration.subcommands {
      if command == type { return [command._commandName] }
      if let rest = path(to: type, from: command) { return [command._commandName] + rest }
    }
    return nil
  }

  /// The settings of all commands: one file may serve them all.
  static func declared(below root: any ParsableCommand.Type) -> [DeclaredSetting] {
    root.configuration.subcommands.flatMap { DeclaredSetting.declared(by: $0) + declared(below: $0) }
  }
}

/// A command that takes the shared options.
protocol ConfiguredCommand: AsyncParsableCommand {
  var shared: SharedOptions { get }
}
