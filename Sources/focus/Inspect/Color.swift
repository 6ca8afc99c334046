/// One 8-bit sRGB colour.
struct Color: Equatable, Sendable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  /// As CSS writes it.
  var css: String {
    "#"
      + [red, green, blue].map { byte in
        let digits = String(byte, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
      }.joined()
  }

  /// `share` of `other`, from 0 to 1, in this colour.
  func mixed(with other: Color, share: Double) -> Color {
    func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
      UInt8((Double(from) + (Double(to) - Double(from)) * share).rounded())
    }
    return Color(
      red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
  }
}

/// The colour map viridis: steps that are equal in value look equal, also to the colour-blind and in grey.
enum Viridis {
  /// At equal steps from 0 to 1.
  static let stops = [
    Color(red: 0x44, green: 0x01, blue: 0x54), Color(red: 0x47, green: 0x2D, blue: 0x7B),
    Color(red: 0x3B, green: 0x52, blue: 0x8B), Color(red: 0x2C, green: 0x72, blue: 0x8E),
    Color(red: 0x21, green: 0x91, blue: 0x8C), Color(red: 0x28, green: 0xAE, blue: 0x80),
    Color(red: 0x5E, green: 0xC9, blue: 0x62), Color(red: 0xAD, green: 0xDC, blue: 0x30),
    Color(red: 0xFD, green: 0xE7, blue: 0x25),
  ]

  /// Values outside 0 to 1, and those that are no number, count as the nearest end.
  static func color(at value: Double) -> Color {
    let place = value > 0 ? min(value, 1) * Double(stops.count - 1) : 0
    let below = min(Int(place), stops.count - 2)
    return stops[below].mixed(with: stops[below + 1], share: place - Double(below))
  }
}
