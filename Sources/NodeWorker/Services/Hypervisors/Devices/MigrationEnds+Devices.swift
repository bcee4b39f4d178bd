import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// Devices that cannot migrate are taken off a machine before it moves, and given back where it then is.
///
///     choose ──► note ──► take off ──► (the machine moves) ──► give back at the destination ──► drop the note
///        │                   │                │
///        │ refused:          │ guest refuses  └─► it stayed: give back at the source, drop the note
///        ▼ nothing touched   ▼ give back what was taken off
///
/// Nothing is taken off before there is a free device of the same type for each at the destination, and before the
/// machine's own description notes what it must have; the note moves along. Whoever finds one, because its writer was
/// killed, compares it with what the machine has, and does what is missing.
extension MigrationEnds {
  /// The devices that have to be taken off the machine, and those that an earlier attempt has taken off already.
  /// - Throws: `.devices` if the destination has not a free one for each.
  func movableDevices() async throws(HypervisorError) -> [MovableDevice] {
    let devices = try await here.movableDevices()
    let ids = devices.compactMap(\.id)
    guard !ids.isEmpty else { return devices }
    do throws(HypervisorError) {
      _ = try await DevicePool.of(order.destination, destination).choose(ids)
      return devices
    } catch {
      guard error.code == .devices else { throw error }
      var refusal = error
      refusal.description =
        "Migration refused: \(vm) needs devices of \(order.destination) in place of those of \(host): \(error.description); "
        + "nothing was touched"
      throw refusal
    }
  }

  /// Notes which devices the machine has, and takes them off.
  /// - Returns: how long that took.
  func takeOffDevices() async throws(HypervisorError) -> [TimeMeasurement] {
    let devices = try await movableDevices()
    guard !devices.isEmpty else { return [] }
    try await here.write(DeviceNote(devices))
    var times = DeviceTimes()
    let attached = try await here.description().attachedDevices
    for device in devices {
      guard let alias = attached[device.place] else { continue }  // taken off by an earlier attempt
      let began = ContinuousClock.now
      try await here.detach(device.name, alias: alias)
      times.add(ContinuousClock.now - began, detaching: device)
    }
    return times.measurements
  }

  /// Whether the machine, which is at the destination, has not got back all of its devices.
  func lacksDevices() async throws(HypervisorError) -> Bool { try await there.note() != nil }

  /// Gives the machine, which is at the destination, what it lacks.
  /// - Returns: how long that took.
  func completeDevices() async throws(HypervisorError) -> [TimeMeasurement] {
    do throws(HypervisorError) {
      return try await there.complete()
    } catch {
      var told = error
      told.description =
        "\(vm) runs on \(order.destination), but without all of its devices: \(error.description); they are noted in its "
        + "description, and attached when the migration is asked for again"
      throw told
    }
  }

  /// Gives the machine, which is at home again, what it lacks.
  /// - Returns: how long that took.
  func completeDevicesAtHome() async throws(HypervisorError) -> [TimeMeasurement] { try await here.complete() }

  /// After a migration that failed: the machine, if it is still here, gets back what was taken off for it. Adds to the
  /// error what became of that.
  func giveBackDevices(after error: HypervisorError) async -> HypervisorError {
    // Where nobody knows which copy is the right one, nothing is touched.
    guard error.code != .inDoubt else { return error }
    var told = error
    do throws(HypervisorError) {
      let record = try await atSource("looking up \(vm)") { source throws(LibvirtError) in
        try await source.domain(.name(vm.rawValue))
      }
      guard record?.isHere == true else { return error }
      // A guest that was asked for a device may still let go of it later: then the note knows.
      if try await !here.complete(keepingNote: error.code == .devices).isEmpty {
        told.description += " (its devices were attached again)"
      }
    } catch {
      told.description += " (its devices are not all attached again: \(error.description))"
    }
    return told
  }

  private var here: DeviceEndpoint { DeviceEndpoint(host: host, connection: source, vm: vm) }
  private var there: DeviceEndpoint { DeviceEndpoint(host: order.destination, connection: destination, vm: vm) }
}

extension DeviceEndpoint {
  /// The devices of the running machine that cannot migrate, and those that it lacks since an earlier attempt.
  fileprivate func movableDevices() async throws(HypervisorError) -> [MovableDevice] {
    let description = try await description()
    let noted = try await note()?.devices ?? []
    let hostDevices = description.hostDevices
    var devices: [MovableDevice] = []
    let known = hostDevices.isEmpty ? [] : try await DevicePool.of(host, connection).devices
    for device in hostDevices {
      guard let place = device.place, let id = known.first(where: { $0.address == device.source })?.id else {
        throw HypervisorError(
          .devices, "\(vm) has a device (\(device.source)) that is not on the PCI bus of \(host); nothing was touched")
      }
      devices.append(MovableDevice(kind: .pci(id), place: place, element: device.element))
    }
    for piece in description.sharedMemory where piece.isPeer {
      guard let place = piece.place else { continue }  // libvirt gives every piece of a running machine one
      devices.append(MovableDevice(kind: .sharedMemory, place: place, element: piece.element))
    }
    return devices + noted.filter { noted in !devices.contains { $0.place == noted.place } }
  }

  /// Attaches those devices of the note that the machine does not have, and takes the note away when it has them all.
  /// - Returns: how long that took; nothing if there was nothing to do.
  fileprivate func complete(keepingNote: Bool = false) async throws(HypervisorError) -> [TimeMeasurement] {
    guard let note = try await note() else { return [] }
    let attached = try await description().attachedDevices
    var times = DeviceTimes()
    var failures: [String] = []
    for device in note.devices where attached[device.place] == nil {
      let began = ContinuousClock.now
      do throws(HypervisorError) {
        try await attach(device)
        times.add(ContinuousClock.now - began, attaching: device)
      } catch {
        failures.append(error.description)
      }
    }
    guard failures.isEmpty else {
      throw HypervisorError(.devices, failures.joined(separator: "; "), mayPass: true)
    }
    try await follow(note)
    if !keepingNote { try await write(nil) }
    return times.measurements
  }

  /// Corrects the definition of a machine that has other devices now than those it was defined with: started again, it would
  /// get whatever this host has at the other's addresses.
  private func follow(_ note: DeviceNote) async throws(HypervisorError) {
    let now = try await description().hostDevices
    var addresses: [PCIAddress: PCIAddress] = [:]
    for device in note.devices {
      guard let old = device.source, let new = now.first(where: { $0.place == device.place })?.source else { continue }
      addresses[old] = new
    }
    guard !addresses.isEmpty, let definition = try await definition() else { return }
    var description = try DomainDescription(definition)
    let before = description
    description.moveHostDevices(addresses)
    if description != before { try await define(description) }
  }

  private func attach(_ device: MovableDevice) async throws(HypervisorError) {
    guard let id = device.id else {
      try await attach(device.name, device.element)
      return
    }
    // Looked up for each: the one before has just taken one. The address that it had comes first, if that is free here.
    let pool = try await DevicePool.of(host, connection)
    let free = pool.free(id)
    guard !free.isEmpty else { throw pool.shortage(of: id) }
    let own = free.filter { $0 == device.source }
    _ = try await attach(device.name, own + free.filter { $0 != device.source }) { device.element(from: $0) }
  }
}

extension DomainDescription {
  /// libvirt's names of the devices that cannot migrate, by where the guest has them.
  fileprivate var attachedDevices: [PCIAddress: String] {
    let all = hostDevices.map { ($0.place, $0.alias) } + sharedMemory.map { ($0.place, $0.alias) }
    return all.reduce(into: [:]) { names, device in
      if let place = device.0 { names[place] = device.1 ?? "" }
    }
  }
}
