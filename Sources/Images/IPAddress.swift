import Foundation

/// An IPv4 or IPv6 address, and whether it belongs to the public internet.
struct IPAddress: Sendable, Hashable {
  /// 4 or 16, in network order.
  let bytes: [UInt8]

  static let loopback4 = IPAddress(bytes: [127, 0, 0, 1])
  static let loopback6 = IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1])

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Reads `1.2.3.4` or `[::1]`; nil for a name.
  init?(literal: String) {
    var bytes = [UInt8](repeating: 0, count: 16)
    if literal.hasPrefix("["), literal.hasSuffix("]") {
      guard inet_pton(AF_INET6, String(literal.dropFirst().dropLast()), &bytes) == 1 else { return nil }
      self.bytes = bytes
    } else {
      guard inet_pton(AF_INET, literal, &bytes) == 1 else { return nil }
      self.bytes = Array(bytes.prefix(4))
    }
  }

  var isLoopback: Bool {
    bytes.count == 4 ? bytes[0] == 127 : self == .loopback6
  }

  /// RFC 1918 and RFC 4193.
  var isPrivate: Bool {
    if bytes.count == 4 {
      return IPRange.within([([10], 8), ([172, 16], 12), ([192, 168], 16)], bytes)
    }
    return bytes[0] & 0xFE == 0xFC
  }

  /// Whether the address is unicast on the public internet (IANA's special-purpose registries). In IPv6 that is
  /// 2000::/3 alone, which leaves out IPv4-mapped, IPv4-compatible and NAT64 addresses; the rest that embeds an
  /// IPv4 address or leads nowhere public is named.
  var isGlobal: Bool {
    switch bytes.count {
    case 4: !IPRange.within(IPRange.special4, bytes)
    case 16: bytes[0] & 0xE0 == 0x20 && !IPRange.within(IPRange.special6, bytes)
    default: false
    }
  }
}

/// Address ranges: leading bytes and how many of their bits count.
private enum IPRange {
  static let special4: [([UInt8], Int)] = [
    ([0], 8),  // this network
    ([10], 8),  // private
    ([100, 64], 10),  // carrier-grade NAT
    ([127], 8),  // loopback
    ([169, 254], 16),  // link-local, with the clouds' metadata services
    ([172, 16], 12),  // private
    ([192, 0, 0], 24),  // protocol assignments
    ([192, 0, 2], 24),  // documentation
    ([192, 88, 99], 24),  // 6to4 relays
    ([192, 168], 16),  // private
    ([198, 18], 15),  // benchmarking
    ([198, 51, 100], 24),  // documentation
    ([203, 0, 113], 24),  // documentation
    ([224], 4),  // multicast
    ([240], 4),  // reserved, broadcast
  ]

  static let special6: [([UInt8], Int)] = [
    ([0x20, 0x01, 0x00], 23),  // protocol assignments, with Teredo
    ([0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
    ([0x20, 0x02], 16),  // 6to4
    ([0x3F, 0xFF, 0x00], 20),  // documentation
  ]

  static func within(_ ranges: [([UInt8], Int)], _ address: [UInt8]) -> Bool {
    ranges.contains { start, bits in
      zip(start, address).enumerated().allSatisfy { index, pair in
        let counted = min(8, bits - index * 8)
        let mask: UInt8 = counted == 8 ? 0xFF : ~(0xFF >> UInt8(counted))
        return pair.0 & mask == pair.1 & mask
      }
    }
  }
}
