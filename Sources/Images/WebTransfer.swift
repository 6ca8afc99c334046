import Answering
import CCurl
import Foundation

/// One request as its callbacks see it: what may be connected to, how much may arrive, and what has.
///
/// Not Sendable: libcurl calls back on the thread that performs the request.
final class WebTransfer {
  let mayConnect: (IPAddress) -> Bool
  let maxBytes: Int
  let flag: CancellationFlag
  private(set) var body = Data()
  private(set) var refusedAddress = false
  private(set) var isTooLarge = false
  private var headerBytes = 0

  /// Far beyond any honest answer's; keeps endless headers from filling memory.
  private static let maxHeaderBytes = 256 * 1024

  init(maxBytes: Int, flag: CancellationFlag, mayConnect: @escaping (IPAddress) -> Bool) {
    self.maxBytes = maxBytes
    self.flag = flag
    self.mayConnect = mayConnect
  }

  /// Sets the callbacks. The transfer must outlive the request.
  func attach(to curl: UnsafeMutableRawPointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    _ = ccurl_set_pointer(curl, CURLOPT_WRITEDATA, context)
    _ = ccurl_set_data_callback(curl, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      WebTransfer.of(context).receive(bytes, count: size * count)
    }
    _ = ccurl_set_pointer(curl, CURLOPT_HEADERDATA, context)
    _ = ccurl_set_data_callback(curl, CURLOPT_HEADERFUNCTION) { _, size, count, context in
      WebTransfer.of(context).receiveHeader(count: size * count)
    }
    _ = ccurl_set_pointer(curl, CURLOPT_XFERINFODATA, context)
    _ = ccurl_set_progress_callback(curl) { context, _, _, _, _ in
      WebTransfer.of(context).flag.isCancelled ? 1 : 0
    }
    _ = ccurl_set_pointer(curl, CURLOPT_OPENSOCKETDATA, context)
    _ = ccurl_set_socket_callback(curl) { context, _, address in
      WebTransfer.of(context).openSocket(for: address)
    }
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> WebTransfer {
    // libcurl hands back what `attach` gave it, never nothing.
    Unmanaged.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  /// A count other than the one given makes libcurl give up.
  private func receive(_ bytes: UnsafeMutablePointer<CChar>?, count: Int) -> Int {
    guard let bytes, body.count + count <= maxBytes else {
      isTooLarge = true
      return 0
    }
    bytes.withMemoryRebound(to: UInt8.self, capacity: count) { body.append($0, count: count) }
    return count
  }

  private func receiveHeader(count: Int) -> Int {
    headerBytes += count
    return headerBytes <= Self.maxHeaderBytes ? count : 0
  }

  /// The last moment before a connection: names have been resolved, so no later answer can differ.
  private func openSocket(for address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
    guard let address else { return curl_socket_t(CURL_SOCKET_BAD) }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = Int(ccurl_address(address, &bytes))
    guard count > 0, mayConnect(IPAddress(bytes: Array(bytes.prefix(count)))) else {
      refusedAddress = true
      return curl_socket_t(CURL_SOCKET_BAD)
    }
    let connection = socket(address.pointee.family, address.pointee.socktype, address.pointee.protocol)
    if connection >= 0 { _ = fcntl(connection, F_SETFD, FD_CLOEXEC) }
    return connection
  }
}
