import Answering
import Foundation

/// Fetches images from allowed hosts and from the object store. Blocks.
final class WebImages: Sendable {
  let access: ImageAccess
  let limits: ImageLimits
  /// Stands in for DNS in tests: `host:port:address` entries.
  let pinnedAddresses: [String]
  /// Seconds before a second try.
  let firstWait: Double
  /// Apart, because connections are reused: the store's may lead to private addresses, the others' may not.
  private let web = WebClient()
  private let store = WebClient()

  init(access: ImageAccess, limits: ImageLimits, pinnedAddresses: [String] = [], firstWait: Double = 0.5) {
    self.access = access
    self.limits = limits
    self.pinnedAddresses = pinnedAddresses
    self.firstWait = firstWait
  }

  /// The bytes of an `http:` or `https:` image, over at most three redirects, each checked like the first URL.
  /// Throws `Rejection` with an `image_…` code, or `CancellationError`.
  func fetch(_ first: ImageURL, name: String, flag: CancellationFlag) throws -> Data {
    let deadline = Date(timeIntervalSinceNow: limits.fetchSeconds)
    var url = first
    for _ in 0...ImageLimits.maxRedirects {
      let permitted = try permittedAddresses(for: url, name: name)
      let request = WebClient.Request(url: url, name: name, pinnedAddresses: pinnedAddresses)
      let answer = try ask(web, for: request, until: deadline, flag) { address in
        address.isGlobal || permitted.contains(address)
      }
      switch answer {
      case .body(let data): return data
      case .redirect(let location): url = try ImageURL(location)
      }
    }
    throw Rejection(
      .imageUnreachable,
      "image \(name) redirects more than \(ImageLimits.maxRedirects) times; give the final address")
  }

  /// The bytes of an `s3:` image. Throws `Rejection` with an `image_…` code, or `CancellationError`.
  func fetchObject(_ reference: String, flag: CancellationFlag) throws -> Data {
    let name = ImageURL.redacted(reference)
    guard let objects = access.store else {
      throw Rejection(.imageForbidden, "image \(name): object stores are off; set --s3-endpoint to read them")
    }
    let request = WebClient.Request(
      url: try objects.url(of: reference), name: name, store: objects, pinnedAddresses: pinnedAddresses)
    let deadline = Date(timeIntervalSinceNow: limits.fetchSeconds)
    let answer = try ask(store, for: request, until: deadline, flag) { address in
      address.isGlobal || address.isPrivate || address.isLoopback
    }
    switch answer {
    case .body(let data): return data
    case .redirect:
      // A signature holds for one host, so there is no following.
      throw Rejection(
        .imageUnreachable,
        "image \(name) is redirected by the object store; check --s3-endpoint and AWS_REGION")
    }
  }

  /// The answer to a request, which is made again while that may help and there is time.
  private func ask(
    _ client: WebClient, for request: WebClient.Request, until deadline: Date, _ flag: CancellationFlag,
    mayConnect: @escaping (IPAddress) -> Bool
  ) throws -> WebClient.Answer {
    var retries = FetchRetries(isOwnStore: request.store != nil, firstWait: firstWait)
    while true {
      let transfer = WebTransfer(maxBytes: limits.maxBytes, flag: flag, mayConnect: mayConnect)
      do {
        return try client.get(request, within: deadline.timeIntervalSinceNow, into: transfer)
      } catch let failure as WebFailure {
        let wait = retries.wait(after: failure.prospect, jitter: .random(in: 0...1))
        guard let wait, wait < deadline.timeIntervalSinceNow else {
          throw failure.rejection(after: retries.tries)
        }
        try flag.wait(seconds: wait)
      }
    }
  }

  private func permittedAddresses(for url: ImageURL, name: String) throws -> [IPAddress] {
    guard url.scheme != "file" else {
      throw Rejection(.imageForbidden, "image \(name) redirects to a file; only http and https are followed")
    }
    let rules = access.allowedHosts.filter { $0.matches(url) }
    guard !rules.isEmpty else {
      throw Rejection(
        .imageForbidden,
        "image \(name) leads to host \(url.host), which is not allowed; add --allow-host \(url.host)")
    }
    return rules.flatMap(\.permittedAddresses)
  }
}
