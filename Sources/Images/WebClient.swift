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
    /// Seconds left for it.
    var seconds: Double
    var store: S3Store?
    /// `host:port:address` entries that stand in for DNS in tests.
    var pinnedAddresses: [String] = []
  }

  /// Blocks until the answer is whole. Throws `Rejection` with an `image_…` code, or `CancellationError`.
  func get(_ request: Request, into transfer: WebTransfer) throws -> Answer {
    let handle = try idle.withLock { $0.popLast() } ?? WebHandle()
    defer { idle.withLock { $0.append(handle) } }
    let outcome = handle.perform(request, transfer)
    if transfer.flag.isCancelled { throw CancellationError() }
    guard outcome.code == CURLE_OK else { throw Self.rejection(outcome.code, request, transfer) }
    if let location = outcome.redirect { return .redirect(location) }
    guard outcome.status == 200 else {
      throw Rejection(
        .imageUnreachable,
        "image \(request.name) was answered with status \(outcome.status); check its address and access")
    }
    return .body(transfer.body)
  }

  private static func rejection(_ code: CURLcode, _ request: Request, _ transfer: WebTransfer) -> Rejection {
    if transfer.isTooLarge || code == CURLE_FILESIZE_EXCEEDED {
      return ImageFile.tooLarge(request.name, transfer.maxBytes)
    }
    if transfer.refusedAddress && code == CURLE_COULDNT_CONNECT {
      return Rejection(
        .imageForbidden,
        "image \(request.name) leads to an address that is not on the public internet; use a public host")
    }
    if code == CURLE_OPERATION_TIMEDOUT {
      return Rejection(
        .imageUnreachable, "image \(request.name) did not arrive within the time limit; check the server")
    }
    return Rejection(
      .imageUnreachable,
      "image \(request.name) cannot be fetched: \(String(cString: curl_easy_strerror(code)))")
  }
}
