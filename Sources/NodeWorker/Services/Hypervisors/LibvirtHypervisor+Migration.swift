public import ClusterModel
import DaemonKit
import Libvirt
import MigfraProtocol
public import NodeWorkerCore

extension LibvirtHypervisor {
  /// Moves a machine peer-to-peer: the source's libvirtd finishes it even if this worker dies.
  public func migrate(
    _ order: MigrationOrder, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async throws(HypervisorError) {
    let began = ContinuousClock.now
    let connection = try connection()
    progress(MigrationProgress(vm: order.vm, task: order.task, destination: order.destination, phase: .preparing))
    try await awaitEarlierJob(of: order.vm, on: connection)
    let target = try await reach(order.destination)
    do throws(HypervisorError) {
      let record = try await prepare(order, from: connection, to: target)
      if let record {
        guard order.mayBegin else { throw order.tooLate(on: host) }
        var options = MigrationOptions(order, movingDefinition: record.isPersistent)
        try await pinned(record, order, &options, from: connection, to: target)
        let run = MigrationRun(
          reference: .uuid(record.uuid), order: order, options: options, began: began, control: connection,
          localURI: settings.localURI, destinationURI: settings.uri(of: order.destination), interval: progressInterval,
          pool: migrationPool)
        let failure = await run.perform(progress)
        progress(order.verifying(record, elapsed: ContinuousClock.now - began))
        try await verify(record, order, from: connection, to: target, after: failure)
      }
    } catch {
      await target.close()
      throw error
    }
    await target.close()
  }

  /// A worker that was restarted finds its migration still running in libvirtd: it is waited for, not repeated.
  private func awaitEarlierJob(of vm: VMName, on connection: LibvirtConnection) async throws(HypervisorError) {
    while true {
      let job = try await asking("asking for jobs of \(vm)") { () throws(LibvirtError) -> JobRecord? in
        guard let record = try await connection.domain(.name(vm.rawValue)), record.isActive else { return nil }
        return try await connection.job(of: .uuid(record.uuid))
      }
      guard job != nil else { return }
      // libvirt reports a job's progress only when asked.
      do { try await Task.sleep(for: progressInterval) } catch {
        throw HypervisorError(.cancelled, "the worker was stopped while \(vm) was moving")
      }
    }
  }

  private func reach(_ destination: HostName) async throws(HypervisorError) -> LibvirtConnection {
    let uri = settings.uri(of: destination)
    do throws(LibvirtError) {
      return try await LibvirtConnection.open(uri, pool: migrationPool)
    } catch {
      throw HypervisorError(
        .destination, "destination \(destination) cannot be reached (\(uri)): \(error.message)", mayPass: true)
    }
  }

  /// Looks at both ends before anything is touched; nil: the machine is there already.
  private func prepare(
    _ order: MigrationOrder, from connection: LibvirtConnection, to target: LibvirtConnection
  ) async throws(HypervisorError) -> DomainRecord? {
    let name = DomainReference.name(order.vm.rawValue)
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in try await connection.domain(name)
    }
    let there = try await asking("looking up \(order.vm) on \(order.destination), asked from") {
      () throws(LibvirtError) in
      try await target.domain(name)
    }
    guard let here, here.isActive else {
      if let there, there.isHere { return nil }
      if here == nil {
        throw HypervisorError(.notFound, "Domain not found: no domain with matching name '\(order.vm)' on \(host)")
      }
      throw HypervisorError(
        .wrongState,
        "Error migrating domain: \(order.vm) is not running on \(host); only running machines move live or warm")
    }
    guard let there, there.isActive || there.uuid != here.uuid else { return here }
    if there.isArriving, there.uuid == here.uuid {
      throw HypervisorError(
        .destination,
        "\(order.destination) still holds what an earlier migration of \(order.vm) left; it removes it itself",
        mayPass: true)
    }
    if there.uuid != here.uuid {
      throw HypervisorError(
        .exists,
        "\(order.destination) has another machine named \(order.vm) (\(there.uuid), here \(here.uuid)); rename or remove one"
      )
    }
    throw HypervisorError(
      .inDoubt,
      "\(order.vm) runs on \(host) and on \(order.destination) (\(there.state.rawValue) there): find out which one is the "
        + "right one and stop the other")
  }

  /// The machine's description for the destination, where the order asks for other pins.
  private func pinned(
    _ record: DomainRecord, _ order: MigrationOrder, _ options: inout MigrationOptions,
    from connection: LibvirtConnection, to target: LibvirtConnection
  ) async throws(HypervisorError) {
    guard let map = order.tuning.vcpuMap else { return }
    let node = try await asking("asking \(order.destination) for its CPUs, from") { () throws(LibvirtError) in
      try await target.node()
    }
    let repin = VMRepin(vm: order.vm, map: map)
    if let flaw = repin.flaw(vcpus: record.vcpus, cpus: node.cpus, on: order.destination) {
      throw HypervisorError(.refused, flaw)
    }
    let reference = DomainReference.uuid(record.uuid)
    let live = try await asking("reading the description of \(order.vm)") { () throws(LibvirtError) in
      try await connection.xml(of: reference, migratable: true)
    }
    options.destinationXML = try pinned(live, to: map)
    guard record.isPersistent else { return }
    let persistent = try await asking("reading the definition of \(order.vm)") { () throws(LibvirtError) in
      try await connection.xml(of: reference, migratable: true, inactive: true)
    }
    options.persistentXML = try pinned(persistent, to: map)
  }

  private func pinned(_ xml: String, to map: VCPUMap) throws(HypervisorError) -> String {
    var description = try DomainDescription(xml)
    description.setPins(map)
    return description.text
  }

  /// Asks both ends where the machine runs now: that counts, not what the call returned.
  private func verify(
    _ record: DomainRecord, _ order: MigrationOrder, from connection: LibvirtConnection, to target: LibvirtConnection,
    after failure: MigrationRun.Failure?
  ) async throws(HypervisorError) {
    let reference = DomainReference.uuid(record.uuid)
    let cause = failure.map { "; libvirt said: \($0.message)" } ?? ""
    let there: DomainRecord?
    do throws(LibvirtError) {
      there = try await target.domain(reference)
    } catch {
      // The destination is silent: what the source says decides, unless the source let go of the machine.
      let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
        try await connection.domain(reference)
      }
      if here?.isActive == true, let failure {
        throw HypervisorError(
          .destination,
          "Migration failed: \(order.vm) from \(host) to \(order.destination): \(failure.message); it runs on here",
          mayPass: true)
      }
      throw HypervisorError(
        .inDoubt,
        "\(order.vm) is not on \(host) any more, and \(order.destination) does not answer (\(error.message))\(cause)")
    }
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
      try await connection.domain(reference)
    }
    switch (here?.isHere == true, there?.isHere == true) {
    case (false, true): return
    case (true, false):
      throw HypervisorError(
        failure?.isTimeout == true ? .timeout : .hypervisor,
        "Migration failed: \(order.vm) from \(host) to \(order.destination): \(failure?.message ?? "libvirt reported success")"
          + "; it runs on here", mayPass: failure?.mayPass ?? false)
    case (true, true):
      throw HypervisorError(
        .inDoubt,
        "\(order.vm) is active on \(host) and on \(order.destination)\(cause): find out which one is right, and stop the other"
      )
    case (false, false):
      throw HypervisorError(.wrongState, "\(order.vm) stopped while it was moving to \(order.destination)\(cause)")
    }
  }
}

extension MigrationOrder {
  /// Everything is copied; both ends are being asked.
  fileprivate func verifying(_ record: DomainRecord, elapsed: Duration) -> MigrationProgress {
    let bytes = Int(clamping: record.memory) * 1024
    return MigrationProgress(
      vm: vm, task: task, destination: destination, phase: .verifying, totalBytes: bytes, doneBytes: bytes,
      elapsedSeconds: elapsed.inSeconds)
  }
}
