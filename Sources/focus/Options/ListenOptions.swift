import ArgumentParser

/// Where the worker tells of itself.
struct ListenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where /metrics, /healthz and /readyz are served; 0.0.0.0:PORT for other machines, none for nowhere.",
      valueName: "host:port"))
  var listen = ListenAddress(host: "127.0.0.1", port: 9464)
}

/// A host and a port, or none.
struct ListenAddress: ExpressibleByArgument, Sendable, Equatable {
  var host: String
  /// nil: nothing is served.
  var port: Int?

  init(host: String, port: Int?) {
    self.host = host
    self.port = port
  }

  init?(argument: String) {
    if argument == "none" {
      self.init(host: "", port: nil)
      return
    }
    guard let colon = argument.lastIndex(of: ":"),
      let port = UInt16(argument[argument.index(after: colon)...])
    else {
      return nil
    }
    let host = argument[..<colon].trimmingPrefix("[").reversed().trimmingPrefix("]").reversed()
    if host.isEmpty { return nil }
    self.init(host: String(host), port: Int(port))
  }

  var defaultValueDescription: String { port.map { "\(host):\($0)" } ?? "none" }
}
