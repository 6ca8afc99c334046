import Answering
import CCurl

/// A libcurl easy handle with the connections it keeps open.
///
/// @unchecked Sendable: `WebClient` lends it to one thread at a time.
final class WebHandle: @unchecked Sendable {
  let curl: UnsafeMutableRawPointer

  /// Once for the process, before the first handle.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  init() throws {
    guard Self.isReady, let curl = curl_easy_init() else {
      throw Rejection(.internal, "libcurl cannot be started")
    }
    self.curl = curl
  }

  deinit {
    curl_easy_cleanup(curl)
  }

  struct Outcome {
    var code: CURLcode
    var status = 0
    /// Where the answer redirects to, made absolute.
    var redirect: String?
    /// Seconds after which the server wants to be asked again; 0 where it names none.
    var retryAfter = 0.0
  }

  /// Performs one request, following no redirect. Blocks.
  func perform(_ request: WebClient.Request, within seconds: Double, _ transfer: WebTransfer) -> Outcome {
    curl_easy_reset(curl)
    transfer.attach(to: curl)
    var headers: UnsafeMutablePointer<curl_slist>?
    var pinned: UnsafeMutablePointer<curl_slist>?
    defer {
      curl_easy_reset(curl)
      curl_slist_free_all(headers)
      curl_slist_free_all(pinned)
    }
    for header in ["Accept: image/*"] + (request.store?.headers ?? []) {
      headers = curl_slist_append(headers, header)
    }
    for address in request.pinnedAddresses { pinned = curl_slist_append(pinned, address) }
    // A limit that could not be set is no limit: nothing is sent then.
    if let failure = options(request, seconds, transfer, headers, pinned).first(where: { $0 != CURLE_OK }) {
      return Outcome(code: failure)
    }
    let code = curl_easy_perform(curl)
    return Outcome(
      code: code, status: Int(ccurl_status(curl)), redirect: ccurl_redirect(curl).map { String(cString: $0) },
      retryAfter: Double(ccurl_retry_after(curl)))
  }

  private func options(
    _ request: WebClient.Request, _ seconds: Double, _ transfer: WebTransfer,
    _ headers: UnsafeMutablePointer<curl_slist>?, _ pinned: UnsafeMutablePointer<curl_slist>?
  ) -> [CURLcode] {
    var set = [
      ccurl_set_pointer(curl, CURLOPT_CURLU, UnsafeMutableRawPointer(request.url.handle)),
      ccurl_set_text(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
      // A proxy would resolve and connect out of our sight; the empty text also overrides the environment.
      ccurl_set_text(curl, CURLOPT_PROXY, ""),
      ccurl_set_long(curl, CURLOPT_FOLLOWLOCATION, 0),
      ccurl_set_long(curl, CURLOPT_NOPROGRESS, 0),
      // Signals and threads do not mix.
      ccurl_set_long(curl, CURLOPT_NOSIGNAL, 1),
      ccurl_set_size(curl, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(transfer.maxBytes)),
      ccurl_set_long(curl, CURLOPT_TIMEOUT_MS, max(1, Int(seconds * 1000))),
      ccurl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(min(10, seconds) * 1000))),
      // A body slower than this would not end in time anyway.
      ccurl_set_long(curl, CURLOPT_LOW_SPEED_LIMIT, 16),
      ccurl_set_long(curl, CURLOPT_LOW_SPEED_TIME, max(1, Int(seconds / 2))),
      ccurl_set_text(curl, CURLOPT_USERAGENT, "focus"),
      ccurl_set_pointer(curl, CURLOPT_HTTPHEADER, headers),
      ccurl_set_pointer(curl, CURLOPT_RESOLVE, pinned),
    ]
    if let store = request.store, let credentials = store.credentials {
      set += [
        ccurl_set_text(curl, CURLOPT_AWS_SIGV4, "aws:amz:\(store.region):s3"),
        ccurl_set_text(curl, CURLOPT_USERNAME, credentials.accessKey),
        ccurl_set_text(curl, CURLOPT_PASSWORD, credentials.secretKey),
      ]
    }
    return set
  }
}
