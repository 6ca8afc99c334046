import Answering
import Foundation

/// One thing that every `TokenStore` must do, as a short story. A store's tests run them all:
///
///     @Test(arguments: StoreStory.all) func conforms(_ story: StoreStory) async throws {
///       try await story.run(on: { try await openEmptyStore() })
///     }
///
/// It needs no testing library, so that it can be a target of its own.
public struct StoreStory: Sendable, CustomStringConvertible {
  /// Opens a store. The first call of a story finds it empty; a later one finds what was closed before.
  public typealias Open = @Sendable () async throws -> any TokenStore

  public let description: String
  /// Whether what is saved must be there when the store is opened again.
  public let needsPersistence: Bool
  private let tell: @Sendable (Open) async throws -> Void

  init(
    _ description: String, needsPersistence: Bool = false,
    tell: @escaping @Sendable (Open) async throws -> Void
  ) {
    self.description = description
    self.needsPersistence = needsPersistence
    self.tell = tell
  }

  /// Throws `StoreFailure` where the store does otherwise, and whatever the store throws.
  public func run(on open: Open) async throws {
    try await tell(open)
  }
}

/// What a store did otherwise.
public struct StoreFailure: Error, CustomStringConvertible {
  public var description: String
}

func expect(_ isTrue: Bool, _ what: @autoclosure () -> String) throws {
  if !isTrue { throw StoreFailure(description: what()) }
}

func expectEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
  try expect(found == expected, "\(what): \(found), not \(expected)")
}

extension TokenEntry {
  /// An entry whose blob has so many bytes, each of them `fill`.
  static func story(
    _ name: String, bytes: Int = 100, fill: UInt8 = 1, model: String = "model"
  ) -> TokenEntry {
    TokenEntry(
      key: .story(name), blob: Data(repeating: fill, count: bytes),
      imageSHA256: String(repeating: "0", count: 64), model: model, encodedTokens: 2, tokens: 1)
  }
}

extension TokenKey {
  static func story(_ name: String) -> TokenKey { TokenKey(imageSHA256: name, recipe: "story") }
}

extension TokenStore {
  /// Saves entries one after another, each at a time of its own.
  func save(story names: [String], bytes: Int = 100) async throws {
    for name in names {
      try await save(.story(name, bytes: bytes))
      try await pause()
    }
  }

  /// The names whose entries are there. Notes no use that matters: call last.
  func present(_ names: [String]) async throws -> [String] {
    var present: [String] = []
    for name in names where try await load(.story(name)) != nil { present.append(name) }
    return present
  }
}

/// Longer than a tick of any store's clock.
func pause() async throws {
  try await Task.sleep(for: .milliseconds(15))
}
