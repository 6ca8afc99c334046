/// A character of UTF-8 whose bytes have come in part: tokens may end within one.
struct PartialScalar: Sendable {
  private var value: UInt32 = 0
  private var missing: UInt32 = 0
  /// The least scalar that is written with so many bytes.
  private var least: UInt32 = 0

  var isWhole: Bool { missing == 0 }

  /// Takes the next byte. Returns false where none such can follow.
  mutating func take(_ byte: UInt8) -> Bool {
    if missing > 0 {
      guard byte & 0xC0 == 0x80 else { return false }
      value = value << 6 | UInt32(byte & 0x3F)
      missing -= 1
      return missing > 0 || (value >= least && Unicode.Scalar(value) != nil)
    }
    switch byte {
    // No text holds NUL, whatever a grammar leaves open.
    case 0x01...0x7F: (value, missing, least) = (UInt32(byte), 0, 0)
    case 0xC2...0xDF: (value, missing, least) = (UInt32(byte & 0x1F), 1, 0x80)
    case 0xE0...0xEF: (value, missing, least) = (UInt32(byte & 0x0F), 2, 0x800)
    case 0xF0...0xF4: (value, missing, least) = (UInt32(byte & 0x07), 3, 0x10000)
    default: return false
    }
    return true
  }

  /// The scalars that it can become; the one that it is, when whole.
  var possible: ClosedRange<UInt32> {
    let low = value << (6 * missing)
    let high = low | ((1 << (6 * missing)) - 1)
    return max(low, min(least, high))...high
  }
}
