import XML

/// A device of the host's PCI bus that is handed through to a machine (`<hostdev type='pci'>`).
struct HostDevice: Sendable, Equatable {
  /// The host's address, as Linux writes it: "0000:04:00.1".
  var address: String
  /// libvirt's name of the device inside the running machine, "hostdev0"; a machine that is off has none.
  var alias: String?
  /// libvirt takes it from the host's driver and gives it back.
  var isManaged: Bool

  /// nil: not a PCI device with an address, but a USB device for instance.
  init?(_ element: XMLTree) {
    guard element["type"] == "pci", let source = element.first("source/address") else { return nil }
    func number(_ attribute: String) -> Int? {
      // libvirt writes "0x1a" and reads decimal numbers, too.
      guard let text = source[attribute] else { return attribute == "domain" ? 0 : nil }
      return text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }
    guard let domain = number("domain"), let bus = number("bus"), let slot = number("slot"),
      let function = number("function"), (0...0xffff).contains(domain), (0...0xff).contains(bus),
      (0...0x1f).contains(slot), (0...7).contains(function)
    else { return nil }
    address = "\(hex(domain, 4)):\(hex(bus, 2)):\(hex(slot, 2)).\(function)"
    alias = element.first("alias")?["name"]
    isManaged = element["managed"] == "yes"
  }
}

/// Memory that several machines of a host share (`<shmem>`, ivshmem).
struct SharedMemoryDevice: Sendable, Equatable {
  /// The piece's name on the host.
  var name: String
  /// A peer, which is what libvirt makes of a device without a role, cannot migrate: QEMU refuses.
  var isPeer: Bool
  var alias: String?
  /// The device as it is described, to detach it and to attach one like it.
  var element: XMLTree

  init?(_ element: XMLTree) {
    guard let name = element["name"] else { return nil }
    self.name = name
    isPeer = element["role"] != "master"
    alias = element.first("alias")?["name"]
    self.element = element
  }
}

private func hex(_ value: Int, _ digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
