import Foundation

/// A line chart as an SVG picture.
public struct Chart {
  public struct Point: Sendable {
    public var x: Double
    public var y: Double
    /// Ends of its interval; nil where it has none.
    public var interval: (low: Double, high: Double)?

    public init(x: Double, y: Double, interval: (low: Double, high: Double)? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  public struct Line: Sendable {
    public var name: String
    public var points: [Point]

    public init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  public var title: String
  public var x: String
  public var y: String
  public var lines: [Line]

  public init(title: String, x: String, y: String, lines: [Line]) {
    self.title = title
    self.x = x
    self.y = y
    self.lines = lines
  }

  /// Of the picture without the lines' names, which stand below: they are long, and would hide points elsewhere.
  private static let (width, height) = (720.0, 440.0)
  private static let nameHeight = 18.0
  private static let (left, right, top, bottom) = (70.0, 20.0, 44.0, 56.0)
  /// Told apart also by who sees fewer colours (Okabe and Ito).
  private static let colors = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
  ]

  public var svg: String {
    let points = lines.flatMap(\.points)
    let xs = Axis(points.map(\.x))
    let fullHeight = Self.height + Self.nameHeight * Double(lines.count)
    let ys = Axis(points.flatMap { [$0.y, $0.interval?.low ?? $0.y, $0.interval?.high ?? $0.y] })
    func place(_ x: Double, _ y: Double) -> (x: String, y: String) {
      let width = Self.width - Self.left - Self.right
      let height = Self.height - Self.top - Self.bottom
      return (
        number(Self.left + width * xs.share(of: x)), number(Self.top + height * (1 - ys.share(of: y)))
      )
    }
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(Self.width)) \(number(fullHeight))\" "
        + "font-family=\"sans-serif\" font-size=\"13\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      text(title, Self.left, 24, size: 16),
      text(x, Self.width / 2, Self.height - 14, anchor: "middle"),
      "<g transform=\"rotate(-90 18 \(number(Self.height / 2)))\">"
        + text(y, 18, Self.height / 2, anchor: "middle") + "</g>",
    ]
    for tick in xs.ticks {
      let (x, y) = place(tick, ys.low)
      parts.append("<path d=\"M\(x) \(y)v5\" stroke=\"#555\"/>")
      parts.append(text(xs.label(tick), Double(x) ?? 0, (Double(y) ?? 0) + 20, anchor: "middle"))
    }
    for tick in ys.ticks {
      let (x, y) = place(xs.low, tick)
      parts.append("<path d=\"M\(x) \(y)H\(number(Self.width - Self.right))\" stroke=\"#ddd\"/>")
      parts.append(text(ys.label(tick), (Double(x) ?? 0) - 8, (Double(y) ?? 0) + 4, anchor: "end"))
    }
    for (index, line) in lines.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let places = line.points.sorted { $0.x < $1.x }.map { point in (point, place(point.x, point.y)) }
      let path = places.map { "\($0.1.x) \($0.1.y)" }.joined(separator: "L")
      parts.append("<path d=\"M\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\"/>")
      for (point, (x, y)) in places {
        if let interval = point.interval {
          let (low, high) = (place(point.x, interval.low).y, place(point.x, interval.high).y)
          parts.append("<path d=\"M\(x) \(low)V\(high)\" stroke=\"\(color)\" stroke-opacity=\"0.5\"/>")
        }
        parts.append("<circle cx=\"\(x)\" cy=\"\(y)\" r=\"3.5\" fill=\"\(color)\"/>")
      }
      let row = Self.height + Self.nameHeight * Double(index)
      parts.append(
        "<rect x=\"\(number(Self.left))\" y=\"\(number(row))\" width=\"12\" height=\"4\" fill=\"\(color)\"/>")
      parts.append(text(line.name, Self.left + 18, row + 6))
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", size: Int = 13
  ) -> String {
    let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return
      "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">\(escaped)</text>"
  }

  private func number(_ value: Double) -> String { String(format: "%.1f", value) }

  /// What an axis spans, with round ticks.
  private struct Axis {
    let low: Double
    let high: Double
    let ticks: [Double]
    private let step: Double

    init(_ values: [Double]) {
      let finite = values.filter(\.isFinite)
      let (least, most) = (finite.min() ?? 0, finite.max() ?? 1)
      let span = most > least ? most - least : max(1, abs(least))
      let power = pow(10, floor(log10(span / 5)))
      // Layers and images are counted: between two whole numbers there is none.
      let finest = finite.allSatisfy { $0 == $0.rounded() } ? 1 : 0.0
      let step = max(finest, [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 6 } ?? power * 10)
      self.step = step
      low = floor(least / step) * step
      high = max(low + step, ceil(most / step) * step)
      ticks = stride(from: 0, through: ((high - low) / step).rounded(), by: 1).map { [low] in low + $0 * step
      }
    }

    func share(of value: Double) -> Double { (value - low) / (high - low) }

    func label(_ tick: Double) -> String {
      String(format: "%.\(step >= 1 ? 0 : step >= 0.1 ? 1 : 2)f", tick)
    }
  }
}
