import Answering
import CCurl

/// A request that brought no image: what its job is told, and whether asking again may help.
struct WebFailure: Error {
  var rejection: Rejection
  var prospect = FetchRetries.Prospect.none

  /// Of an answer that is neither an image nor a redirect.
  init(status: Int, retryAfter: Double, _ request: WebClient.Request) {
    rejection = Rejection(
      .imageUnreachable,
      "image \(request.name) was answered with status \(status); check its address and access")
    switch status {
    case 429, 503: prospect = .later(seconds: retryAfter)
    case 408, 425, 500, 502, 504: prospect = .some
    default: break
    }
  }

  /// Of a request that ended without a whole answer.
  init(_ code: CURLcode, _ request: WebClient.Request, _ transfer: WebTransfer) {
    if transfer.isTooLarge || code == CURLE_FILESIZE_EXCEEDED {
      rejection = ImageFile.tooLarge(request.name, transfer.maxBytes)
    } else if transfer.refusedAddress && code == CURLE_COULDNT_CONNECT {
      rejection = Rejection(
        .imageForbidden,
        "image \(request.name) leads to an address that is not on the public internet; use a public host")
    } else if code == CURLE_OPERATION_TIMEDOUT {
      rejection = Rejection(
        .imageUnreachable, "image \(request.name) did not arrive within the time limit; check the server")
    } else {
      rejection = Rejection(
        .imageUnreachable,
        "image \(request.name) cannot be fetched: \(String(cString: curl_easy_strerror(code)))")
      if Self.passing.contains(code.rawValue) { prospect = .some }
    }
  }

  /// What the job is told after so many tries.
  func rejection(after tries: Int) -> Rejection {
    tries == 1 ? rejection : Rejection(rejection.reason, "\(rejection.message) (tried \(tries) times)")
  }

  /// What comes of servers and networks that are in trouble for a moment, as they restart say.
  private static let passing = Set(
    [
      CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR, CURLE_GOT_NOTHING,
      CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM,
    ].map(\.rawValue))
}
