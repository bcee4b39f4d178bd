import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore
import XML

/// The devices that a start gives to its machine, chosen before anything is created.
struct StartDevices: Sendable {
  private let connection: LibvirtConnection
  private let host: HostName
  private let types: [PCIDeviceID]
  private let chosen: [PCIAddress]
  private let exact: [PCIAddress]
  private let sharedMemory: SharedMemory?

  /// nil: the task asks for none.
  init?(_ start: VMStart, on connection: LibvirtConnection, of host: HostName) async throws(HypervisorError) {
    guard start.asksForDevices else { return nil }
    self.connection = connection
    self.host = host
    types = start.pciIDs
    exact = start.devices
    sharedMemory = start.sharedMemory
    guard !types.isEmpty || !exact.isEmpty else {
      chosen = []
      return
    }
    let pool = try await DevicePool.of(host, connection)
    for address in exact { try pool.check(address) }
    chosen = try pool.choose(types, reserved: Set(exact))
  }

  /// Attaches all to a machine that was created but does not run yet, and lets it run.
  func attach(to record: DomainRecord) async throws(HypervisorError) {
    let machine = DeviceEndpoint(host: host, connection: connection, vm: VMName(rawValue: record.name))
    try await attachHostDevices(to: machine)
    try await attachSharedMemory(to: machine)
    try await machine.resume()
  }

  private func attachHostDevices(to machine: DeviceEndpoint) async throws(HypervisorError) {
    var reserved = Set(exact).union(chosen)
    for address in exact {
      _ = try await machine.attach("PCI device \(address)", [address], Self.element)
    }
    for (id, address) in zip(types, chosen) {
      // Another start may have been faster; any other free device of the type does as well.
      let others = try await DevicePool.of(host, connection).free(id).filter { !reserved.contains($0) }
      reserved.insert(try await machine.attach("PCI device \(id)", [address] + others, Self.element))
    }
  }

  private func attachSharedMemory(to machine: DeviceEndpoint) async throws(HypervisorError) {
    guard let sharedMemory else { return }
    try await machine.attach("shared memory \(sharedMemory.id)", Self.element(sharedMemory))
  }

  private static func element(_ address: PCIAddress) -> XMLTree {
    // Managed: libvirt takes the device from the host's driver, and gives it back.
    XMLTree(
      "hostdev", ["mode": "subsystem", "type": "pci", "managed": "yes"],
      [XMLTree("source", [:], [address.element])])
  }

  private static func element(_ memory: SharedMemory) -> XMLTree {
    var size = XMLTree("size", ["unit": "M"])
    size.text = String(memory.sizeMiB)
    return XMLTree("shmem", ["name": memory.id], [XMLTree("model", ["type": "ivshmem-plain"]), size])
  }
}

extension VMStart {
  /// Whether there is more to start than the machine.
  var asksForDevices: Bool { !pciIDs.isEmpty || !devices.isEmpty || sharedMemory != nil }

  /// What is told of a machine that runs already.
  var untouchedParts: String? {
    let parts = [asksForDevices ? "devices" : nil, job == nil ? nil : "job"].compactMap(\.self)
    return parts.isEmpty ? nil : "it runs already; not touched: its \(parts.joined(separator: " and its "))"
  }
}
