/// A type of PCI device, as `lspci -nn` shows it: vendor and device.
public struct PCIDeviceID: Sendable, Hashable, CustomStringConvertible {
  public var vendor: UInt16
  public var device: UInt16

  public init(vendor: UInt16, device: UInt16) {
    self.vendor = vendor
    self.device = device
  }

  /// "15b3:1004"
  public var description: String { "\(hex(vendor, 4)):\(hex(device, 4))" }
}

/// A device's place on a host's PCI bus.
public struct PCIAddress: Sendable, Hashable, CustomStringConvertible {
  public var domain: Int
  public var bus: Int
  public var slot: Int
  public var function: Int

  public init(domain: Int, bus: Int, slot: Int, function: Int) {
    self.domain = domain
    self.bus = bus
    self.slot = slot
    self.function = function
  }

  /// Reads "0000:04:00.1" or, of domain 0, "04:00.1"; hexadecimal, as Linux and libvirt write it.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { return nil }
    let ends = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
    guard ends.count == 2, let bus = Self.number(parts[parts.count - 2], below: 256),
      let slot = Self.number(ends[0], below: 32), let function = Self.number(ends[1], below: 8),
      let domain = parts.count == 3 ? Self.number(parts[0], below: 1 << 16) : 0
    else { return nil }
    self.init(domain: domain, bus: bus, slot: slot, function: function)
  }

  private static func number(_ text: Substring, below limit: Int) -> Int? {
    // Int's own reader takes a sign.
    guard (1...4).contains(text.utf8.count), text.allSatisfy(\.isHexDigit), let value = Int(text, radix: 16),
      value < limit
    else { return nil }
    return value
  }

  public var description: String { "\(hex(domain, 4)):\(hex(bus, 2)):\(hex(slot, 2)).\(function)" }
}

/// Memory that several machines of a host share (ivshmem).
public struct SharedMemory: Sendable, Equatable {
  /// Names the piece on the host.
  public var id: String
  public var sizeMiB: Int

  public init(id: String, sizeMiB: Int) {
    self.id = id
    self.sizeMiB = sizeMiB
  }
}

private func hex(_ value: some BinaryInteger, _ digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
