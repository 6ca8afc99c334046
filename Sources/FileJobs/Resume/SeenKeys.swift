/// A number for each key of an input: the line it first stood on, or how often it came.
///
/// Exact for a file, at about 70 bytes for each key. A stream need not end, so of one only the last keys are
/// remembered, between `streamLimit` and twice as many.
struct SeenKeys: Sendable {
  static let streamLimit = 100_000

  /// nil remembers every key.
  private let limit: Int?
  private var recent: [ProgressKey: Int] = [:]
  /// What `recent` held when it was full.
  private var older: [ProgressKey: Int] = [:]

  init(limit: Int? = nil) { self.limit = limit }

  subscript(key: ProgressKey) -> Int? {
    get { recent[key] ?? older[key] }
    set {
      recent[key] = newValue
      if let limit, recent.count >= limit { (older, recent) = (recent, [:]) }
    }
  }
}
