import Answering
import CCurl
import Foundation
import Synchronization

/// Idle libcurl handles, each with its open connections, lent to one request at a time.
final class WebClient: Sendable {
  private let idle = Mutex<[WebHandle]>([])

  enum Answer {
    case body(Data)
    /// An absolute URL, unchecked.
    case redirect(String)
  }

  /// A request for a URL that has been checked.
  struct Request {
    var url: ImageURL
    /// How the image is called in messages.
    var name: String
    var store: S3Store?
    /// `host:port:address` entries that stand in for DNS in tests.
    var pinnedAddresses: [String] = []
  }

  /// Blocks until the answer is whole, at most so many seconds. Throws `WebFailure` or `CancellationError`.
  func get(_ request: Request, within seconds: Double, into transfer: WebTransfer) throws -> Answer {
    let handle = try idle.withLock { $0.popLast() } ?? WebHandle()
    defer { idle.withLock { $0.append(handle) } }
    let outcome = handle.perform(request, within: seconds, transfer)
    if transfer.flag.isCancelled { throw CancellationError() }
    guard outcome.code == CURLE_OK else { throw WebFailure(outcome.code, request, transfer) }
    if let location = outcome.redirect { return .redirect(location) }
    guard outcome.status == 200 else {
      throw WebFailure(status: outcome.status, retryAfter: outcome.retryAfter, request)
    }
    return .body(transfer.body)
  }
}
