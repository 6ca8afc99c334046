/// How the tokens of a window become one.
public enum Pooling: String, Sendable, CaseIterable {
  /// For samplers trained on it.
  case max
  /// For projectors that were never trained on maxima.
  case mean
}

extension FeatureMap {
  /// Appends one pooled token for each window of `scale` × `scale` over `window`, in raster order.
  func pool(_ window: TokenWindow, scale: Int, _ pooling: Pooling, onto tokens: inout [Float]) {
    if scale == 1 {
      for row in window.rows {
        let start = (row * size.columns + window.columns.lowerBound) * channels
        tokens += features[start..<start + window.columns.count * channels]
      }
      return
    }
    for part in window.parts(scale: scale) { tokens += pooled(part, pooling) }
  }

  /// The whole map pooled by windows of `scale` × `scale`.
  func pooled(scale: Int, _ pooling: Pooling) -> [Float] {
    var tokens: [Float] = []
    pool(TokenWindow(columns: 0..<size.columns, rows: 0..<size.rows), scale: scale, pooling, onto: &tokens)
    return tokens
  }

  /// One token for the window, `[C]`.
  public func pooled(_ window: TokenWindow, _ pooling: Pooling) -> [Float] {
    var token: [Float] = []
    for row in window.rows {
      for column in window.columns {
        let start = (row * size.columns + column) * channels
        guard !token.isEmpty else {
          token = Array(features[start..<start + channels])
          continue
        }
        switch pooling {
        case .max:
          for channel in 0..<channels {
            token[channel] = Swift.max(token[channel], features[start + channel])
          }
        case .mean: for channel in 0..<channels { token[channel] += features[start + channel] }
        }
      }
    }
    if pooling == .mean {
      let share = 1 / Float(window.columns.count * window.rows.count)
      for channel in token.indices { token[channel] *= share }
    }
    return token
  }
}
