import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// Both ends of one migration.
struct MigrationEnds: Sendable {
  let order: MigrationOrder
  let host: HostName
  let source: LibvirtConnection
  let destination: LibvirtConnection
  /// The destination as the source's libvirtd reaches it.
  let destinationURI: String

  var vm: VMName { order.vm }

  /// The machine at each end, whatever it is there.
  func look(_ reference: DomainReference) async throws(HypervisorError) -> (here: DomainRecord?, there: DomainRecord?) {
    let here = try await atSource("looking up \(vm)") { source throws(LibvirtError) in
      try await source.domain(reference)
    }
    let there = try await atDestination("looking up \(vm)") { destination throws(LibvirtError) in
      try await destination.domain(reference)
    }
    return (here, there)
  }

  func atSource<T: Sendable>(
    _ what: String, _ body: (LibvirtConnection) async throws(LibvirtError) -> T
  ) async throws(HypervisorError) -> T {
    do throws(LibvirtError) { return try await body(source) } catch {
      throw HypervisorError(error, while: "\(what) on \(host)")
    }
  }

  func atDestination<T: Sendable>(
    _ what: String, _ body: (LibvirtConnection) async throws(LibvirtError) -> T
  ) async throws(HypervisorError) -> T {
    do throws(LibvirtError) { return try await body(destination) } catch {
      throw HypervisorError(error, while: "\(what) on \(order.destination)")
    }
  }

  /// What is to be done, from what is seen at both ends.
  enum Finding: Sendable {
    /// The machine is here and not there.
    case here(DomainRecord)
    /// It is at the destination already.
    case there(DomainRecord)
    /// It is at neither end, or its definition is here only.
    case notRunning(here: DomainRecord?, there: DomainRecord?)
  }

  /// Looks at both ends; touches nothing. A machine that is nowhere but on its way to the destination is waited for: the
  /// worker that had it restored there may have been killed, the libvirtd there goes on without it.
  func judge() async throws(HypervisorError) -> Finding {
    var (here, there) = try await look(.name(vm.rawValue))
    while here?.isActive != true, there?.isArriving == true {
      do { try await Task.sleep(for: .milliseconds(200)) } catch {
        throw HypervisorError(.cancelled, "the worker was stopped while \(vm) was on its way to \(order.destination)")
      }
      (here, there) = try await look(.name(vm.rawValue))
    }
    guard let here, here.isActive else {
      if let there, there.isHere { return .there(there) }
      return .notRunning(here: here, there: there)
    }
    if here.isArriving {
      // What it is read from must not be touched: if that fails, it is all there is.
      throw HypervisorError(.hypervisor, "\(vm) is still on its way to \(host)", mayPass: true)
    }
    guard let there else { return .here(here) }
    if there.uuid != here.uuid {
      throw HypervisorError(
        .exists,
        "\(order.destination) has another machine named \(vm) (\(there.uuid), here \(here.uuid)); rename or remove one")
    }
    if !there.isActive { return .here(here) }
    if there.isArriving {
      throw HypervisorError(
        .destination,
        "\(order.destination) still holds what an earlier migration of \(vm) left; it removes it itself", mayPass: true)
    }
    throw HypervisorError(
      .inDoubt,
      "\(vm) runs on \(host) and on \(order.destination) (\(there.state.rawValue) there): find out which one is the "
        + "right one and stop the other")
  }

  /// The definition at home of a machine that runs at the destination with its own: the host lost its power, and the
  /// worker's last run with it, before libvirt had removed it. Of other tasks nothing is known: what is there is somebody's.
  func definitionLeft(by there: DomainRecord) async throws(HypervisorError) -> DomainRecord? {
    guard order.isRecalled, there.isPersistent else { return nil }
    let here = try await atSource("looking up \(vm)") { source throws(LibvirtError) in
      try await source.domain(.uuid(there.uuid))
    }
    guard let here, !here.isActive, here.isPersistent, !here.hasManagedSave else { return nil }
    return here
  }

  /// - Returns: what is to be said if it stays: the machine has moved all the same.
  func removeDefinitionLeft(by there: DomainRecord) async throws(HypervisorError) -> [String] {
    guard let here = try await definitionLeft(by: there) else { return [] }
    do throws(LibvirtError) {
      try await source.undefineAlone(.uuid(here.uuid))
      return []
    } catch {
      return ["its definition on \(host) could not be removed: \(error.message)"]
    }
  }

  /// Ends what was loaded at the destination from an image that nothing has run from since, with its definition.
  func discardLoaded(_ record: DomainRecord) async throws(HypervisorError) {
    guard record.state == .paused else {
      throw HypervisorError(.wrongState, "\(vm) runs on \(order.destination), it cannot go home from its image")
    }
    try await atDestination("ending what was loaded of \(vm)") { destination throws(LibvirtError) in
      try await destination.destroy(.uuid(record.uuid))
      if record.isPersistent {
        try await destination.undefine(.uuid(record.uuid), includingManagedSaveAndNVRAMAndSnapshots: false)
      }
    }
  }

  /// Asks both ends where the machine runs now: that counts, not what libvirt's call returned.
  func verify(_ record: DomainRecord, after failure: MigrationRun.Failure?) async throws(HypervisorError) {
    let reference = DomainReference.uuid(record.uuid)
    let cause = failure.map { "; libvirt said: \($0.message)" } ?? ""
    let there: DomainRecord?
    do throws(LibvirtError) {
      there = try await destination.domain(reference)
    } catch {
      // The destination is silent: what the source says decides, unless the source let go of the machine.
      let here = try await atSource("looking up \(vm)") { source throws(LibvirtError) in
        try await source.domain(reference)
      }
      if here?.isActive == true, let failure {
        throw HypervisorError(
          failure.code == .cancelled ? .cancelled : .destination,
          "Migration failed: \(vm) from \(host) to \(order.destination): \(failure.message); it runs on here",
          mayPass: failure.code != .cancelled)
      }
      throw HypervisorError(
        .inDoubt,
        "\(vm) is not on \(host) any more, and \(order.destination) does not answer (\(error.message))\(cause)")
    }
    let here = try await atSource("looking up \(vm)") { source throws(LibvirtError) in
      try await source.domain(reference)
    }
    switch (here?.isHere == true, there?.isHere == true) {
    case (false, true): return
    case (true, false):
      throw HypervisorError(
        failure?.code ?? .hypervisor,
        "Migration failed: \(vm) from \(host) to \(order.destination): \(failure?.message ?? "libvirt reported success")"
          + "; it runs on here", mayPass: failure?.mayPass ?? false)
    case (true, true):
      throw HypervisorError(
        .inDoubt,
        "\(vm) is active on \(host) and on \(order.destination)\(cause): find out which one is right, and stop the other"
      )
    case (false, false):
      throw HypervisorError(.wrongState, "\(vm) stopped while it was moving to \(order.destination)\(cause)")
    }
  }
}
