import XML

/// A device on a host's PCI bus.
public struct PCIDeviceRecord: Sendable, Equatable {
  /// libvirt's name, "pci_0000_04_00_1".
  public var name: String
  public var domain: Int
  public var bus: Int
  public var slot: Int
  public var function: Int
  public var vendor: UInt16
  public var product: UInt16
  /// The host's driver that has it now: "vfio-pci" while a VM does.
  public var driver: String?

  public init(
    name: String, domain: Int, bus: Int, slot: Int, function: Int, vendor: UInt16, product: UInt16,
    driver: String? = nil
  ) {
    self.name = name
    self.domain = domain
    self.bus = bus
    self.slot = slot
    self.function = function
    self.vendor = vendor
    self.product = product
    self.driver = driver
  }

  /// From libvirt's `<device>`; nil: it does not describe a PCI device.
  init?(xml: String) {
    guard let device = try? XMLTree(parsing: xml),  // libvirt writes what it can read
      let name = device.first("name")?.text,
      let capability = device.elements("capability").first(where: { $0["type"] == "pci" })
    else { return nil }
    func address(_ element: String) -> Int? { capability.first(element).flatMap { Int($0.text) } }
    func identity(_ element: String) -> UInt16? {
      guard let text = capability.first(element)?["id"], text.hasPrefix("0x") else { return nil }
      return UInt16(text.dropFirst(2), radix: 16)
    }
    guard let domain = address("domain"), let bus = address("bus"), let slot = address("slot"),
      let function = address("function"), let vendor = identity("vendor"), let product = identity("product")
    else { return nil }
    self.init(
      name: name, domain: domain, bus: bus, slot: slot, function: function, vendor: vendor, product: product,
      driver: device.first("driver/name")?.text)
  }
}
