import CoreMetrics
import Hummingbird
import Logging

/// Serves `/metrics`, `/healthz` (the process is alive) and `/readyz` (the model is loaded, and partitions are
/// assigned).
struct StatusServer {
  private let registry: PrometheusRegistry
  private let isReady: @Sendable () -> Bool

  /// - Parameter isReady: whether jobs are being answered.
  init(_ registry: PrometheusRegistry, isReady: @escaping @Sendable () -> Bool) {
    self.registry = registry
    self.isReady = isReady
  }

  /// To be run as a service. nil where nothing is to be served.
  func application(at address: ListenAddress) -> (some ApplicationProtocol)? {
    guard let port = address.port else { return nil as Application<RouterResponder<BasicRequestContext>>? }
    let (registry, isReady) = (registry, isReady)
    let router = Router()
    router.get("metrics") { _, _ in
      // Of this moment, whatever else happens seldom.
      Meter(label: "focus_ready", factory: registry).set(isReady() ? 1 : 0)
      return Self.text(registry.text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
    router.get("healthz") { _, _ in Self.text("alive\n") }
    router.get("readyz") { _, _ in
      isReady()
        ? Self.text("ready\n") : Self.text("no partitions are assigned yet\n", status: .serviceUnavailable)
    }
    var log = Logger(label: "focus.http")
    log.logLevel = .warning
    return Application(
      router: router,
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: port), serverName: "focus"),
      logger: log)
  }

  private static func text(
    _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
