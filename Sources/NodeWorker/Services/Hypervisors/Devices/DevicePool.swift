import ClusterModel
import MigfraProtocol

/// The PCI devices of a host and which machines have them: what a choice is made from. Decides, touches nothing.
struct DevicePool: Sendable, Equatable {
  struct Device: Sendable, Equatable {
    var address: PCIAddress
    var id: PCIDeviceID
    /// The host's driver that has it now.
    var driver: String?
  }

  var host: HostName
  var devices: [Device]
  /// The active machine that has a device in its description.
  var holders: [PCIAddress: VMName]

  /// Devices of that type that no machine has, the best first: those that the host itself does not use (no driver, or
  /// the one for handing through) before those that it might, and then in the order of the bus.
  func free(_ id: PCIDeviceID) -> [PCIAddress] {
    let free = devices.filter { $0.id == id && holders[$0.address] == nil }
    return free.sorted { ($0.isUsedByHost ? 1 : 0, $0.address) < ($1.isUsedByHost ? 1 : 0, $1.address) }.map(\.address)
  }

  /// One free device for each of the types, all of them different; or why that cannot be.
  /// - Parameter reserved: devices that are not free though no machine has them yet.
  func choose(_ ids: [PCIDeviceID], reserved: Set<PCIAddress> = []) throws(HypervisorError) -> [PCIAddress] {
    var taken = reserved
    var chosen: [PCIAddress] = []
    for id in ids {
      guard let address = free(id).first(where: { !taken.contains($0) }) else {
        throw shortage(of: id, wanted: ids.count { $0 == id })
      }
      taken.insert(address)
      chosen.append(address)
    }
    return chosen
  }

  /// The error for a type of which not enough devices are free.
  func shortage(of id: PCIDeviceID, wanted: Int = 1) -> HypervisorError {
    let all = devices.filter { $0.id == id }.map(\.address).sorted()
    let held = all.compactMap { address in holders[address].map { "\($0) has \(address)" } }
    let asked = wanted > 1 ? " (\(wanted) are asked for)" : ""
    let existing =
      if all.isEmpty { "the host has none" } else {
        (held.isEmpty ? ["there is \(all.count)"] : ["of \(all.count)"] + held).joined(separator: ", ")
      }
    return HypervisorError(.devices, "no free PCI device \(id) on \(host)\(asked): \(existing)", mayPass: !all.isEmpty)
  }

  /// Whether this very device may be handed through.
  func check(_ address: PCIAddress) throws(HypervisorError) {
    guard devices.contains(where: { $0.address == address }) else {
      throw HypervisorError(.devices, "there is no PCI device \(address) on \(host)")
    }
    if let holder = holders[address] {
      throw HypervisorError(.devices, "PCI device \(address) on \(host) is not free: \(holder) has it", mayPass: true)
    }
  }
}

extension DevicePool.Device {
  fileprivate var isUsedByHost: Bool { driver != nil && driver != "vfio-pci" }
}
