import Answering
import Foundation
import Logging
import PostgresTokenStore
import SQLiteTokenStore

/// Opens the token store that the options name; nil for none.
///
/// A store that the user named must open; the one that is there by default is done without, with a warning: an
/// unwritable home must not keep anyone from an answer. Throws `Failure`.
///
/// - Parameter outlivesOutages: whether a database that is down just now may be used later: a worker that is started
///   again meanwhile has jobs to answer.
func openTokenStore(
  _ options: CacheOptions, outlivesOutages: Bool = false, log: Logger = Logger(label: "focus.cache")
) async throws -> (any TokenStore)? {
  let (location, isNamed) = try options.location()
  switch location {
  case .none: return nil
  case .memory: return MemoryTokenStore(capacity: options.cacheSize?.bytes ?? 1 << 30)
  case .postgres(let url):
    guard options.cacheSize == nil else {
      throw Failure.unusable(
        "--cache-size bounds no cache that workers share: run focus cache prune --max-bytes now and then")
    }
    return try await openTokenDatabase(url, outlivesOutages ? log : nil)
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

/// Connects to a database, and makes or upgrades the tables where they are not up to date. Throws `Failure`.
///
/// - Parameter log: told of an outage, which is then no failure; nil where it is one.
func openTokenDatabase(_ url: String, _ log: Logger?) async throws -> PostgresTokenStore {
  try await withDatabaseFailures {
    do {
      return try await PostgresTokenStore.open(url: url)
    } catch let error as PostgresError where error.mayPass {
      guard let log else { throw error }
      log.warning("no token cache for now: \(error)")
      return try PostgresTokenStore(url: url)
    }
  }
}

/// Turns a database's errors into `Failure`: the arguments' fault where the URL is none, else the environment's.
func withDatabaseFailures<Value>(_ work: () async throws -> Value) async throws -> Value {
  do {
    return try await work()
  } catch let error as PostgresError {
    if case .unusableURL = error { throw Failure.unusable("--cache: \(error)") }
    throw Failure.environment("--cache: \(error)")
  }
}

/// Runs `work` with the store, and closes it after. What cannot be written then costs no answer: it is logged.
func withTokenStore<Value: Sendable>(
  _ options: CacheOptions, outlivesOutages: Bool = false, _ work: ((any TokenStore)?) async throws -> Value
) async throws -> Value {
  let log = Logger(label: "focus.cache")
  let store = try await openTokenStore(options, outlivesOutages: outlivesOutages, log: log)
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
