import Foundation
import TokenSampling

/// Keeps compressed images, so that an image is encoded once for all its questions, runs and workers.
///
/// A store keeps bytes and believes nothing: the pipeline checks every blob it loads, and treats one that does not
/// check, and every error, as a miss. A store that cannot answer throws within seconds: jobs wait for it. Called
/// from many tasks at once; blocking calls stay off Swift's cooperative pool.
public protocol TokenStore: Sendable {
  /// The blob stored under the key, and notes that it was used; nil for a miss.
  func load(_ key: TokenKey) async throws -> Data?

  /// Stores or replaces.
  func save(_ entry: TokenEntry) async throws

  func statistics() async throws -> TokenStoreStatistics

  /// Deletes entries that were not used since `limits.unusedSince`, then the least recently used ones until what
  /// is left has at most `limits.bytes`.
  func prune(_ limits: PruneLimits) async throws -> PruneResult

  /// Writes what is still to be written and lets go of files and connections.
  func close() async throws
}

/// One blob with what is said of it in the clear.
public struct TokenEntry: Sendable, Equatable {
  public var key: TokenKey
  /// `CompressedImageCoding`'s form.
  public var blob: Data
  /// SHA-256 of the image's encoded bytes, in hexadecimal.
  public var imageSHA256: String
  /// The model that made the tokens, by name.
  public var model: String
  public var encodedTokens: Int
  public var tokens: Int
  /// The feature map before sampling, in tokens.
  public var map: GridSize

  public init(
    key: TokenKey, blob: Data, imageSHA256: String, model: String, encodedTokens: Int, tokens: Int,
    map: GridSize = GridSize(columns: 0, rows: 0)
  ) {
    self.key = key
    self.blob = blob
    self.imageSHA256 = imageSHA256
    self.model = model
    self.encodedTokens = encodedTokens
    self.tokens = tokens
    self.map = map
  }
}

public struct TokenStoreStatistics: Sendable, Equatable {
  public var entries: Int
  /// Bytes of all blobs.
  public var bytes: Int
  public var oldestUse: Date?
  public var newestUse: Date?
  /// Entries and bytes by model.
  public var models: [String: ModelShare]

  public struct ModelShare: Sendable, Equatable {
    public var entries: Int
    public var bytes: Int

    public init(entries: Int, bytes: Int) {
      self.entries = entries
      self.bytes = bytes
    }
  }

  public init(
    entries: Int = 0, bytes: Int = 0, oldestUse: Date? = nil, newestUse: Date? = nil,
    models: [String: ModelShare] = [:]
  ) {
    self.entries = entries
    self.bytes = bytes
    self.oldestUse = oldestUse
    self.newestUse = newestUse
    self.models = models
  }
}

public struct PruneLimits: Sendable, Equatable {
  /// Bytes of blobs that may stay; nil for any number.
  public var bytes: Int?
  /// Entries last used before this go; nil keeps them.
  public var unusedSince: Date?

  public init(bytes: Int? = nil, unusedSince: Date? = nil) {
    self.bytes = bytes
    self.unusedSince = unusedSince
  }
}

public struct PruneResult: Sendable, Equatable {
  public var entries: Int
  public var bytes: Int

  public init(entries: Int, bytes: Int) {
    self.entries = entries
    self.bytes = bytes
  }
}
