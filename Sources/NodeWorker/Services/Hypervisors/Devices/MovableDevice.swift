import MigfraProtocol
import XML

/// A device that cannot migrate with its machine: taken off before, and one like it given to the machine afterwards.
struct MovableDevice: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// Of the host's PCI bus; any other device of this type does as well.
    case pci(PCIDeviceID)
    case sharedMemory
  }

  var kind: Kind
  /// Where the guest has it, and finds its successor: what tells the machine's devices apart, wherever it runs.
  var place: PCIAddress
  /// Its description as on the host where it was.
  var element: XMLTree

  var id: PCIDeviceID? {
    if case .pci(let id) = kind { id } else { nil }
  }

  /// Where it was on the host.
  var source: PCIAddress? { HostDevice(element)?.source }

  /// The description of its successor.
  /// - Parameter source: of the host that is to give the device; nil: shared memory, which has no address there.
  func element(from source: PCIAddress?) -> XMLTree {
    guard let source else { return element }
    var successor = element
    successor.change("source") { $0.content = [.element(source.element)] }
    return successor
  }

  /// For messages.
  var name: String {
    switch kind {
    case .pci(let id): "PCI device \(id)" + (source.map { " (\($0))" } ?? "")
    case .sharedMemory: "shared memory \(element["name"] ?? "")"
    }
  }
}

/// What a machine must have again, noted in its description while it is without: a worker that is killed in between, and
/// whoever looks at the machine later, finds it there. It moves along with the machine.
struct DeviceNote: Sendable, Equatable {
  static let namespace = "urn:migfra:devices"
  static let prefix = "migfra"

  var devices: [MovableDevice]

  init(_ devices: [MovableDevice]) {
    self.devices = devices
  }

  /// nil: it is none of ours.
  init?(_ xml: String) {
    // Whoever wrote something else under our namespace has to see to it himself.
    guard let root = try? XMLTree(parsing: xml), root.name == "devices" else { return nil }
    devices = root.children.compactMap(MovableDevice.init)
  }

  var text: String { XMLTree("devices", [:], devices.map(\.noted)).description }
}

extension MovableDevice {
  fileprivate init?(_ noted: XMLTree) {
    guard let element = noted.children.first, let place = element.first("address").flatMap(PCIAddress.init) else {
      return nil
    }
    switch noted.name {
    case "pci":
      guard let vendor = noted["vendor"].flatMap({ UInt16($0, radix: 16) }),
        let device = noted["device"].flatMap({ UInt16($0, radix: 16) })
      else { return nil }
      kind = .pci(PCIDeviceID(vendor: vendor, device: device))
    case "shared-memory": kind = .sharedMemory
    default: return nil
    }
    self.place = place
    self.element = element
  }

  fileprivate var noted: XMLTree {
    switch kind {
    case .pci(let id):
      XMLTree(
        "pci", ["vendor": String(id.vendor, radix: 16), "device": String(id.device, radix: 16)], [element])
    case .sharedMemory: XMLTree("shared-memory", [:], [element])
    }
  }
}
