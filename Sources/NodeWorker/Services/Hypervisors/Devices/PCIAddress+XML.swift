import Libvirt
public import MigfraProtocol
import XML

extension PCIAddress {
  /// From libvirt's `<address>`; nil: it is incomplete, or of another kind of bus.
  init?(_ element: XMLTree) {
    guard (element["type"] ?? "pci") == "pci" else { return nil }
    func number(_ attribute: String, below limit: Int) -> Int? {
      // libvirt writes "0x1a" and reads decimal numbers, too.
      guard let text = element[attribute] else { return attribute == "domain" ? 0 : nil }
      guard let value = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text), value >= 0, value < limit
      else { return nil }
      return value
    }
    guard let domain = number("domain", below: 1 << 16), let bus = number("bus", below: 256),
      let slot = number("slot", below: 32), let function = number("function", below: 8)
    else { return nil }
    self.init(domain: domain, bus: bus, slot: slot, function: function)
  }

  /// As libvirt reads it in a device's `<source>`.
  var element: XMLTree {
    XMLTree(
      "address", ["domain": String(domain), "bus": String(bus), "slot": String(slot), "function": String(function)])
  }

  init(_ record: PCIDeviceRecord) {
    self.init(domain: record.domain, bus: record.bus, slot: record.slot, function: record.function)
  }
}

extension PCIAddress: Comparable {
  public static func < (one: PCIAddress, other: PCIAddress) -> Bool {
    (one.domain, one.bus, one.slot, one.function) < (other.domain, other.bus, other.slot, other.function)
  }
}
