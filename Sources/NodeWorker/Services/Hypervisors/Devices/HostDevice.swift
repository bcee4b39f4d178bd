import MigfraProtocol
import XML

/// A device of the host's PCI bus that is handed through to a machine (`<hostdev type='pci'>`).
struct HostDevice: Sendable, Equatable {
  /// Where it is on the host.
  var source: PCIAddress
  /// Where the guest has it; a description that libvirt has not completed names no place.
  var place: PCIAddress?
  /// libvirt's name of the device inside the running machine, "hostdev0"; a machine that is off has none.
  var alias: String?
  /// As it is described, without the alias.
  var element: XMLTree

  /// nil: not a PCI device with an address, but a USB device for instance.
  init?(_ element: XMLTree) {
    guard element["type"] == "pci", let source = element.first("source/address").flatMap(PCIAddress.init) else {
      return nil
    }
    self.source = source
    place = element.first("address").flatMap(PCIAddress.init)
    alias = element.first("alias")?["name"]
    self.element = element.withoutAlias
  }
}

/// Memory that several machines of a host share (`<shmem>`, ivshmem).
struct SharedMemoryDevice: Sendable, Equatable {
  /// The piece's name on the host.
  var name: String
  /// A peer, which is what libvirt makes of a device without a role, cannot migrate: QEMU refuses.
  var isPeer: Bool
  var place: PCIAddress?
  var alias: String?
  /// As it is described, without the alias.
  var element: XMLTree

  init?(_ element: XMLTree) {
    guard let name = element["name"] else { return nil }
    self.name = name
    isPeer = element["role"] != "master"
    place = element.first("address").flatMap(PCIAddress.init)
    alias = element.first("alias")?["name"]
    self.element = element.withoutAlias
  }
}

extension XMLTree {
  fileprivate var withoutAlias: XMLTree {
    var element = self
    element.removeChildren("alias")
    return element
  }
}
