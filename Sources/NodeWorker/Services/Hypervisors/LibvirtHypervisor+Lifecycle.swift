public import ClusterModel
import DaemonKit
import Libvirt
public import MigfraProtocol
import NodeWorkerCore
import Readiness

extension LibvirtHypervisor {
  public func start(
    _ start: VMStart, _ control: OperationControl
  ) async throws(HypervisorError) -> StartedVM {
    let connection = try connection()
    var undo = StartUndo()
    do throws(HypervisorError) {
      let (name, details) = try await begin(start, on: connection, &undo)
      if start.awaitsSSH { try await awaitReadiness(of: name, at: start.probeHostname ?? name, control) }
      return StartedVM(name: VMName(rawValue: name), processID: processID(of: name), details: details)
    } catch {
      throw await undo.perform(on: connection, after: error)
    }
  }

  /// Makes the machine run; notes what this did, so that it can be undone. Returns its name, and what
  /// else is to be told.
  private func begin(
    _ start: VMStart, on connection: LibvirtConnection, _ undo: inout StartUndo
  ) async throws(HypervisorError) -> (name: String, details: String?) {
    let record: DomainRecord
    switch start.source {
    case .defined(let name): record = try await domain(name, on: connection)
    case .xml(let xml, isTransient: true):
      if let name = try DomainDescription(xml).name { try refuseStart(besideImageOf: name) }
      let shaped = start.asksForShape ? try start.shaped(xml) : xml
      let devices = try await StartDevices(start, on: connection, of: host)
      record = try await asking("Error creating domain") { () throws(LibvirtError) in
        try await connection.createTransient(xml: shaped, paused: devices != nil)
      }
      undo.stops = .uuid(record.uuid)
      try await devices?.attach(to: record)
      return (record.name, nil)
    case .xml(let xml, isTransient: false):
      let known = try await asking("listing machines") { () throws(LibvirtError) in try await connection.domains() }
      record = try await asking("Error defining domain") { () throws(LibvirtError) in
        try await connection.define(xml: xml)
      }
      if !known.contains(where: { $0.uuid == record.uuid && $0.isPersistent }) { undo.undefines = .uuid(record.uuid) }
    }
    if record.isActive { return (record.name, start.untouchedParts) }
    try refuseStart(besideImageOf: record.name)
    let devices = try await StartDevices(start, on: connection, of: host)
    if start.asksForShape { try await reshape(.uuid(record.uuid), as: start, on: connection, &undo) }
    try await asking("Error creating domain") { () throws(LibvirtError) in
      try await connection.create(.uuid(record.uuid), paused: devices != nil)
    }
    undo.stops = .uuid(record.uuid)
    try await devices?.attach(to: record)
    return (record.name, nil)
  }

  /// Gives the definition the sizes and places that the task asks for.
  private func reshape(
    _ reference: DomainReference, as start: VMStart, on connection: LibvirtConnection, _ undo: inout StartUndo
  ) async throws(HypervisorError) {
    let before = try await asking("reading the definition") { () throws(LibvirtError) in
      try await connection.xml(of: reference, inactive: true, secure: true)
    }
    let shaped = try start.shaped(before)
    _ = try await asking("Error defining domain") { () throws(LibvirtError) in try await connection.define(xml: shaped)
    }
    if undo.undefines == nil { undo.redefines = before }
  }

  private func awaitReadiness(
    of name: String, at address: String, _ control: OperationControl
  ) async throws(HypervisorError) {
    let outcome = await withTaskGroup(of: Result<String, ReadinessError>?.self) { group in
      group.addTask { [probe, settings] in
        do throws(ReadinessError) {
          return .success(try await probe.waitForBanner(host: address, timeout: settings.startTimeout))
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        await control.wished()
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    switch outcome {
    case .success?: return
    case .failure(let error)? where !control.isCancelled:
      throw HypervisorError(.timeout, "Timeout while trying to reach domain with SSH: \(name): \(error)")
    case .failure?, nil: throw HypervisorError(.cancelled, "cancelled while \(name) was starting on \(host)")
    }
  }

  public func stop(_ stop: VMStop) async throws(HypervisorError) {
    let connection = try connection()
    let record = try await domain(stop.vm, on: connection)
    let reference = DomainReference.uuid(record.uuid)
    if let uuid = stop.strayUUID {
      try refuse(record, asStray: uuid)
      return try await asking("Error undefining domain") { () throws(LibvirtError) in
        try await connection.undefineAlone(reference)
      }
    }
    if record.isActive {
      if stop.isForced {
        try await asking("Error destroying domain") { () throws(LibvirtError) in try await connection.destroy(reference)
        }
      } else {
        try await shutDown(record, on: connection)
      }
    }
    if stop.undefines, record.isPersistent {
      try await asking("Error undefining domain") { () throws(LibvirtError) in
        try await connection.undefine(reference, includingManagedSaveAndNVRAMAndSnapshots: true)
      }
    }
  }

  /// Only a definition that nothing hangs on is taken for a stray.
  private func refuse(_ record: DomainRecord, asStray uuid: String) throws(HypervisorError) {
    guard record.uuid == uuid.lowercased() else {
      throw HypervisorError(.wrongState, "\(record.name) on \(host) is another machine, \(record.uuid), and stays")
    }
    guard !record.isActive else {
      throw HypervisorError(.wrongState, "\(record.name) is active on \(host): no copy that is active is removed")
    }
    guard !record.hasManagedSave else {
      throw HypervisorError(
        .wrongState,
        "\(record.name) has a managed save image on \(host): look whether anybody needs it, drop it with "
          + "'virsh managedsave-remove', and try again")
    }
  }

  /// Asks the guest, and waits for it to be off.
  private func shutDown(_ record: DomainRecord, on connection: LibvirtConnection) async throws(HypervisorError) {
    let reference = DomainReference.uuid(record.uuid)
    // Subscribed before the request, so that a guest that is quick is not missed.
    let events = try await asking("listening to events") { () throws(LibvirtError) in try await connection.events() }
    try await asking("Error stopping domain") { () throws(LibvirtError) in try await connection.shutdown(reference) }
    let isOff = await within(settings.stopTimeout) {
      for await event in events {
        if case .lifecycle(record.uuid, _, .stopped, _) = event { return true }
        if case .connectionClosed = event { return false }
      }
      return false
    }
    if isOff == true { return }
    let now = try await asking("looking up \(record.name)") { () throws(LibvirtError) in
      try await connection.domain(reference)
    }
    guard now?.isActive == true else { return }
    throw HypervisorError(
      .timeout,
      "Timeout while waiting for correct vm state: \(record.name) on \(host) still runs "
        + "\(SizeText.seconds(settings.stopTimeout.inSeconds)) after it was asked to power off; 'force: true' stops it hard"
    )
  }

  public func suspend(_ vm: VMName) async throws(HypervisorError) {
    let connection = try connection()
    try await naming("Error suspending domain", of: vm) { () throws(LibvirtError) in
      try await connection.suspend(.name(vm.rawValue))
    }
  }

  public func resume(_ vm: VMName) async throws(HypervisorError) {
    let connection = try connection()
    try await naming("Error resuming domain", of: vm) { () throws(LibvirtError) in
      try await connection.resume(.name(vm.rawValue))
    }
  }

  public func repin(_ repin: VMRepin) async throws(HypervisorError) {
    let connection = try connection()
    let record = try await domain(repin.vm, on: connection)
    let node = try await asking("asking for CPUs") { () throws(LibvirtError) in try await connection.node() }
    // Checked before the first is pinned: libvirt pins one virtual CPU at a time, and ignores CPUs that are not there.
    if let flaw = repin.flaw(vcpus: record.vcpus, cpus: node.cpus, on: host) { throw HypervisorError(.refused, flaw) }
    try await asking("Error pinning \(repin.vm)") { () throws(LibvirtError) in
      try await connection.pin(.uuid(record.uuid), to: repin.map, hostCPUs: node.cpus)
    }
  }

  /// As `asking`, with libvirt's words directly behind the prefix: clients of the reference compare the text.
  private func naming(
    _ prefix: String, of vm: VMName, _ body: () async throws(LibvirtError) -> Void
  ) async throws(HypervisorError) {
    do throws(LibvirtError) {
      try await body()
    } catch {
      if error.isNoDomain { throw notFound(vm) }
      var named = HypervisorError(error, while: prefix)
      named.description = "\(prefix): \(error.message)"
      throw named
    }
  }
}

/// Runs `body` until it returns or `limit` is over; nil: it was over, and `body` was cancelled.
func within<T: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async -> T) async -> T? {
  await withTaskGroup(of: T?.self) { group in
    group.addTask { await body() }
    group.addTask {
      try? await Task.sleep(for: limit)  // a cancelled wait is over
      return nil
    }
    defer { group.cancelAll() }
    return await group.next() ?? nil
  }
}
