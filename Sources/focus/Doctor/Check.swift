/// One thing that `focus doctor` looks at.
struct Check: Sendable {
  var name: String
  var look: @Sendable () async -> Finding

  init(_ name: String, look: @escaping @Sendable () async -> Finding) {
    self.name = name
    self.look = look
  }
}

/// What a check found.
enum Finding: Sendable, Equatable {
  /// Works; what was found.
  case fine(String)
  /// Works, but could be better; what to do.
  case advice(String, todo: String)
  /// Does not work; what to do.
  case failure(String, todo: String)

  var isFailure: Bool {
    if case .failure = self { true } else { false }
  }

  /// The lines shown for a check called `name`.
  func text(of name: String) -> String {
    switch self {
    case .fine(let found): "ok      \(name): \(found)"
    case .advice(let found, let todo): "advice  \(name): \(found)\n        → \(todo)"
    case .failure(let found, let todo): "FAILED  \(name): \(found)\n        → \(todo)"
    }
  }
}
