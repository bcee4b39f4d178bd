import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore
import XML

/// One host's side of a machine's devices: looks, attaches, detaches, notes.
struct DeviceEndpoint: Sendable {
  let host: HostName
  let connection: LibvirtConnection
  let vm: VMName

  private var machine: DomainReference { .name(vm.rawValue) }

  /// How long a guest has for letting go of a device. One that obeys needs a tenth of a second.
  static let patience = Duration.seconds(10)

  // MARK: - Looking

  func description() async throws(HypervisorError) -> DomainDescription {
    try DomainDescription(
      try await asking("reading the description of \(vm)") { () throws(LibvirtError) in
        try await connection.xml(of: machine)
      })
  }

  /// What the machine will be at its next start; nil: there is none for it.
  func definition() async throws(HypervisorError) -> String? {
    try await asking("reading the definition of \(vm)") { () throws(LibvirtError) in
      guard try await connection.domain(machine)?.isPersistent == true else { return nil }
      return try await connection.xml(of: machine, inactive: true, secure: true)
    }
  }

  func define(_ description: DomainDescription) async throws(HypervisorError) {
    try await asking("Error defining domain") { () throws(LibvirtError) in
      _ = try await connection.define(xml: description.text)
    }
  }

  // MARK: - The note

  func note() async throws(HypervisorError) -> DeviceNote? {
    let text = try await asking("reading the note about devices of \(vm)") { () throws(LibvirtError) in
      try await connection.metadata(of: machine, namespace: DeviceNote.namespace)
    }
    return text.flatMap(DeviceNote.init)
  }

  /// - Parameter note: nil takes it away.
  func write(_ note: DeviceNote?) async throws(HypervisorError) {
    try await asking("noting the devices of \(vm)") { () throws(LibvirtError) in
      try await connection.setMetadata(
        note?.text, of: machine, namespace: DeviceNote.namespace, prefix: DeviceNote.prefix)
    }
  }

  // MARK: - Attaching and detaching

  func attach(_ name: String, _ element: XMLTree) async throws(HypervisorError) {
    do throws(LibvirtError) {
      try await connection.attachDevice(element.description, to: machine)
    } catch {
      throw failure(name, error.message)
    }
  }

  /// Attaches a device, the first of these that libvirt does not call taken.
  /// - Returns: where it is on the host.
  func attach(
    _ name: String, _ candidates: [PCIAddress], _ element: (PCIAddress) -> XMLTree
  ) async throws(HypervisorError) -> PCIAddress {
    var refusal = "none is free"
    for address in candidates {
      do throws(LibvirtError) {
        try await connection.attachDevice(element(address).description, to: machine)
        return address
      } catch {
        refusal = error.message
        // Somebody has taken it since it was chosen: libvirt's words, and a code that says no more than "not now".
        guard error.isOperationInvalid else { break }
      }
    }
    throw failure(name, refusal)
  }

  private func failure(_ name: String, _ cause: String) -> HypervisorError {
    HypervisorError(.devices, "\(name) could not be attached to \(vm) on \(host): \(cause)", mayPass: true)
  }

  /// Lets a machine go on that was created to stand still.
  func resume() async throws(HypervisorError) {
    try await asking("Error resuming domain") { () throws(LibvirtError) in try await connection.resume(machine) }
  }

  /// Asks the guest to let go of a device and waits until it has: only then it is free, whatever the call returns.
  func detach(_ name: String, alias: String) async throws(HypervisorError) {
    let events = try await asking("listening to events") { () throws(LibvirtError) in try await connection.events() }
    do throws(LibvirtError) {
      try await connection.detachDevice(alias: alias, from: machine)
    } catch {
      throw HypervisorError(
        .devices, "\(name) could not be detached from \(vm) on \(host): \(error.message)", mayPass: false)
    }
    let isGone = await within(Self.patience) { [vm] in
      for await event in events {
        if case .deviceRemoved(_, vm.rawValue, alias) = event { return true }
        if case .connectionClosed = event { return false }
      }
      return false
    }
    if isGone == true { return }
    // An event that was lost with the connection, or came in this moment.
    if try await !description().hasDevice(alias: alias) { return }
    throw HypervisorError(
      .devices,
      "the guest of \(vm) on \(host) did not let go of \(name) within \(SizeText.seconds(Self.patience.inSeconds)): its "
        + "operating system has to support PCI hot-unplug, and must not be paused or busy with the device")
  }

  private func asking<T: Sendable>(
    _ what: String, _ body: () async throws(LibvirtError) -> T
  ) async throws(HypervisorError) -> T {
    do throws(LibvirtError) {
      return try await body()
    } catch {
      throw HypervisorError(error, while: "\(what) on \(host)")
    }
  }
}
