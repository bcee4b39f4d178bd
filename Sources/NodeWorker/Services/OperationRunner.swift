import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// Carries out one operation and says how it ended.
struct OperationRunner {
  let host: HostName
  let hypervisor: any Hypervisor
  let cluster: ClusterReports
  /// How long the destination's worker may take to tell of a machine that has come.
  private static let patience = Duration.seconds(2)

  func perform(
    _ operation: Operation, _ control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async -> OperationOutcome {
    do throws(HypervisorError) {
      switch operation {
      case .start(let start):
        try await refuseSecondCopy(of: start)
        let started = try await hypervisor.start(start, control)
        return .success(vm: started.name, processID: started.processID, details: started.details)
      case .stop(let stop):
        if let uuid = stop.strayUUID { try await refuseOnlyCopy(uuid, of: stop.vm) }
        try await hypervisor.stop(stop)
        return .success(vm: stop.vm)
      case .suspend(let vm):
        try await hypervisor.suspend(vm)
        return .success(vm: vm)
      case .resume(let vm):
        try await hypervisor.resume(vm)
        return .success(vm: vm)
      case .repin(let repin):
        try await hypervisor.repin(repin)
        return .success(vm: repin.vm)
      case .hold, .release: preconditionFailure("the core carries these out itself")
      case .examine(let order):
        return switch try await hypervisor.examine(order) {
        case .ready: .ready
        case .alreadyThere: .success(vm: order.vm)
        }
      case .migrate(let order):
        try await refuseOldImage(of: order)
        let moved = try await hypervisor.migrate(order, control, progress: progress)
        let processID = await processID(of: order)
        let remarks = moved.remarks.isEmpty ? nil : moved.remarks.joined(separator: "; ")
        return .success(vm: order.vm, processID: processID, details: remarks, times: moved.times)
      }
    } catch {
      return .failure(error.code, error.description, mayPass: error.mayPass)
    }
  }

  /// A machine that runs elsewhere is not started here. What libvirt itself would find out is left to it.
  private func refuseSecondCopy(of start: VMStart) async throws(HypervisorError) {
    let description: DomainDescription? =
      if case .xml(let xml, _) = start.source { try DomainDescription(xml) } else { nil }
    let name = description?.name.map(VMName.init(rawValue:)) ?? start.name
    for report in try await reports() where report.host != host {
      guard
        let other = report.vms.first(where: { vm in
          vm.state.isActive && (vm.name == name || (description?.uuid).map { $0.lowercased() == vm.uuid } ?? false)
        })
      else { continue }
      throw HypervisorError(
        .exists,
        "\(other.name) runs on \(report.host) (\(other.state.rawValue)), as its worker reports: nothing was started on \(host); "
          + "stop it there, or migrate it")
    }
  }

  /// A definition goes only if another host has one, and runs it.
  private func refuseOnlyCopy(_ uuid: String, of vm: VMName) async throws(HypervisorError) {
    let others = try await reports().filter { $0.host != host && $0.presence == .online && $0.isHypervisorReachable }
    let copies = others.flatMap(\.vms).filter { $0.uuid == uuid.lowercased() }
    guard !copies.contains(where: { $0.state == .arriving }) else {
      throw HypervisorError(
        .wrongState, "\(vm) is on its way to a host: its definition on \(host) stays", mayPass: true)
    }
    guard copies.contains(where: { $0.state.isActive && $0.isPersistent }) else {
      throw HypervisorError(
        .wrongState,
        "no other host reports that it runs \(vm) (\(uuid)) and has its definition: that on \(host) may be the only one, and "
          + "stays")
    }
  }

  /// A machine whose worker was away after it was restored may have moved on since: its image is no machine any more.
  private func refuseOldImage(of order: MigrationOrder) async throws(HypervisorError) {
    guard order.type == .offline else { return }
    let others = try await reports().filter { report in
      report.vms.contains { $0.name == order.vm && $0.state.isActive }
    }.map(\.host)
    guard !others.contains(host), let other = others.first(where: { $0 != order.destination }) else { return }
    throw HypervisorError(
      .exists,
      "\(order.vm) runs on \(other), as its worker reports: nothing was restored on \(order.destination); an image of it "
        + "in the shared directory is old, and can be removed")
  }

  private func reports() async throws(HypervisorError) -> [HostReport] {
    do {
      return try await cluster.all()
    } catch {
      throw HypervisorError(
        .internal, "whether the machine runs on another host could not be asked: \(error); nothing was done",
        mayPass: true)
    }
  }

  /// The machine's process at the destination, if the worker there tells soon.
  private func processID(of order: MigrationOrder) async -> Int? {
    @Sendable func machine(in report: HostReport) -> VirtualMachine? {
      report.vms.first { $0.name == order.vm && $0.state.isActive }
    }
    let report = await cluster.report(of: order.destination, within: Self.patience) { machine(in: $0) != nil }
    return report.flatMap(machine)?.processID
  }
}
