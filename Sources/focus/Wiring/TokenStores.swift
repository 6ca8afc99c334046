import Answering
import Foundation
import Logging
import SQLiteTokenStore

/// Opens the token store that the options name; nil for none.
///
/// A store that the user named must open; the one that is there by default is done without, with a warning: an
/// unwritable home must not keep anyone from an answer. Throws `Failure`.
func openTokenStore(_ options: CacheOptions, log: Logger = Logger(label: "focus.cache")) async throws
  -> (any TokenStore)?
{
  let (location, isNamed) = try options.location()
  switch location {
  case .none: return nil
  case .memory: return MemoryTokenStore(capacity: options.cacheSize?.bytes ?? 1 << 30)
  case .sqlite(let path):
    do {
      return try await openTokenFile(path, capacity: options.cacheSize?.bytes ?? 20 << 30)
    } catch {
      if isNamed { throw error }
      log.warning("no token cache, images are encoded anew: \(error)")
      return nil
    }
  }
}

/// Opens or creates a token file and its folder. Throws `Failure`.
func openTokenFile(_ path: String, capacity: Int? = nil) async throws -> SQLiteTokenStore {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  do {
    // Tokens tell what an image shows: the folder is its owner's alone, where we make it.
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  } catch {
    throw Failure.environment("--cache: cannot make the folder \(folder): \(error.localizedDescription)")
  }
  do {
    return try await SQLiteTokenStore.open(path: path, capacity: capacity)
  } catch {
    throw Failure.environment("\(error)")
  }
}

/// Runs `work` with the store, and closes it after. What cannot be written then costs no answer: it is logged.
func withTokenStore<Value: Sendable>(
  _ options: CacheOptions, _ work: ((any TokenStore)?) async throws -> Value
) async throws -> Value {
  let log = Logger(label: "focus.cache")
  let store = try await openTokenStore(options, log: log)
  func close() async {
    do { try await store?.close() } catch { log.warning("the token cache was not closed cleanly: \(error)") }
  }
  do {
    let value = try await work(store)
    await close()
    return value
  } catch {
    await close()
    throw error
  }
}
