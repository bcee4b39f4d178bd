import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// Migration by way of the shared storage, as `LibvirtHypervisor` goes it: the image is the machine.
extension World {
  func hasImage(_ vm: VMName) -> Bool { images.keys.contains { $0.vm == vm } }

  /// What the host of the operation has saved.
  func image(of order: MigrationOrder, _ run: Run) -> Image? { images[Image.Name(vm: order.vm, host: run.host)] }

  /// One that was being restored, and whose machine is at neither end, may be old.
  func refuseDoubtful(_ order: MigrationOrder, _ run: Run) throws(Failure) {
    guard image(of: order, run)?.isBeingRestored == true, order.tuning.offlineStage != .restore else { return }
    throw Failure(.inDoubt, "whether \(order.vm) ran on \(order.destination) is not known; it is kept in its image")
  }

  mutating func moveOffline(
    _ order: MigrationOrder, _ finding: Finding, _ number: Int, _ run: Run
  ) throws(Failure) {
    let stage = order.tuning.offlineStage
    if stage == .goHome { return try goHome(order, finding, number, run) }
    switch finding {
    case .there: try finishOffline(order, number, run)
    case .here(let machine):
      guard order.mayBegin else { throw Failure(.expired, "expired; it runs on \(run.host)") }
      guard stage != .restore else { throw Failure(.wrongState, "\(order.vm) is not saved") }
      try preflight(machine, order)
      images[Image.Name(vm: order.vm, host: run.host)] = nil
      guard !run.isCancelled else { throw Failure(.cancelled, "cancelled; \(order.vm) runs on \(run.host)") }
      guard machine.isHere, machine.job == nil else { throw Failure(.hypervisor, "it is busy", mayPass: true) }
      checkConnections(of: order)
      begin(.save, machine, from: run.host, to: order.destination, number)
      hosts[run.host]?.machines[order.vm]?.job = runs[number]?.job
      runs[number]?.stage = .saving
    case .notRunning(let here, _):
      try refuseDoubtful(order, run)
      if image(of: order, run) != nil {
        return stage == .save ? finish(number, .success(vm: order.vm)) : try restore(order, number, run)
      }
      guard let here else { throw notRunning(order, nil) }
      guard stage == nil else { throw Failure(.wrongState, "\(order.vm) is off, and nothing of it is saved") }
      guard order.mayBegin else { throw Failure(.expired, "expired") }
      hosts[run.host]?.machines[order.vm] = nil
      hosts[order.destination]?.machines[order.vm] = here
      changed(run.host)
      changed(order.destination)
      finish(number, .success(vm: order.vm))
    }
  }

  private mutating func goHome(
    _ order: MigrationOrder, _ finding: Finding, _ number: Int, _ run: Run
  ) throws(Failure) {
    switch finding {
    case .there: throw Failure(.wrongState, "\(order.vm) runs on \(order.destination)")
    case .here:
      removeImage(of: order, run)
      finish(number, .success(vm: order.vm))
    case .notRunning:
      guard image(of: order, run) != nil else { throw Failure(.wrongState, "nothing of \(order.vm) is saved") }
      runs[number]?.stage = .comingHome
      beginRestore(of: order.vm, from: run.host, to: run.host, number)
    }
  }

  private mutating func restore(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    guard !run.isCancelled else {
      return try takeBack(order, after: Failure(.cancelled, "cancelled"), number, run)
    }
    runs[number]?.stage = .restoring
    beginRestore(of: order.vm, from: run.host, to: order.destination, number)
    checkMemory(of: order.destination, order)
  }

  /// libvirt reads the image, or says at once that it cannot.
  private mutating func beginRestore(of vm: VMName, from source: HostName, to host: HostName, _ number: Int) {
    let name = Image.Name(vm: vm, host: source)
    guard let image = images[name]?.machine, let target = hosts[host], target.isPowered, !target.isHypervisorAway,
      target.machines[vm]?.isActive != true
    else {
      runs[number]?.failure = Failure(.hypervisor, "\(vm) cannot be restored on \(host)", mayPass: true)
      return events.add(.step(number), at: soon(10...100))
    }
    images[name]?.isBeingRestored = true
    begin(.restore, image, from: source, to: host, number)
    var arriving = image
    arriving.state = .arriving
    hosts[host]?.machines[vm] = arriving
    changed(host)
  }

  mutating func goOnOffline(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    switch run.stage {
    case .saving:
      if let failure = run.failure {
        guard hosts[run.host]?.machines[order.vm]?.isActive == true else {
          throw Failure(.inDoubt, "saving \(order.vm) failed, and it does not run any more")
        }
        throw failure
      }
      if order.tuning.offlineStage == .save { return finish(number, .success(vm: order.vm)) }
      runs[number]?.failure = nil
      try restore(order, number, run)
    case .restoring:
      guard let failure = run.failure else { return try finishOffline(order, number, run) }
      try reachForRestore(order, failure)
      let there = hosts[order.destination]?.machines[order.vm]
      if there?.isHere == true { return try finishOffline(order, number, run) }
      images[Image.Name(vm: order.vm, host: run.host)]?.isBeingRestored = false
      if let there, !there.isActive { hosts[order.destination]?.machines[order.vm] = nil }
      changed(order.destination)
      guard order.tuning.offlineStage == nil else { throw failure }
      try takeBack(order, after: failure, number, run)
    case .comingHome:
      if let failure = run.failure {
        releaseHere(order, run)
        throw failure
      }
      removeImage(of: order, run)
      finish(number, .success(vm: order.vm))
    case .takingBack(var cause):
      if run.failure != nil {
        releaseHere(order, run)
        throw kept(order, cause)
      }
      cause.details += "; it runs on \(run.host) again"
      removeImage(of: order, run)
      throw cause
    case .opening, .beginning, .moving: break
    }
  }

  private func reachForRestore(_ order: MigrationOrder, _ failure: Failure) throws(Failure) {
    guard hosts[order.destination]?.isPowered == true, hosts[order.destination]?.isHypervisorAway != true else {
      throw order.tuning.offlineStage == nil
        ? kept(order, failure) : Failure(.hypervisor, "\(order.destination) does not answer", mayPass: true)
    }
  }

  private func kept(_ order: MigrationOrder, _ cause: Failure) -> Failure {
    Failure(
      .inDoubt, "\(cause.details); \(order.vm) does not run, and could not be taken back: it is kept in its image")
  }

  /// The machine goes on where it was, if it is known not to run at the destination.
  private mutating func takeBack(
    _ order: MigrationOrder, after cause: Failure, _ number: Int, _ run: Run
  ) throws(Failure) {
    guard order.tuning.offlineStage == nil else { throw cause }
    guard hosts[order.destination]?.isPowered == true, hosts[order.destination]?.isHypervisorAway != true,
      hosts[order.destination]?.machines[order.vm]?.isActive != true
    else { throw kept(order, cause) }
    runs[number]?.stage = .takingBack(cause)
    runs[number]?.failure = nil
    beginRestore(of: order.vm, from: run.host, to: run.host, number)
  }

  private mutating func finishOffline(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    do throws(Failure) { try reach(order) } catch {
      guard order.tuning.offlineStage == nil, image(of: order, run) != nil else { throw error }
      throw Failure(.inDoubt, "\(order.vm) was restored, and is still kept in its image: \(error.details)")
    }
    guard hosts[order.destination]?.machines[order.vm]?.isHere == true else {
      throw Failure(.wrongState, "\(order.vm) stopped on \(order.destination) after it was restored there")
    }
    if let here = hosts[run.host]?.machines[order.vm], here.isPersistent, !here.isActive {
      hosts[run.host]?.machines[order.vm] = nil
      changed(run.host)
    }
    removeImage(of: order, run)
    finish(number, .success(vm: order.vm))
  }

  /// It could not be restored where it was, and does not run there.
  private mutating func releaseHere(_ order: MigrationOrder, _ run: Run) {
    guard hosts[run.host]?.machines[order.vm]?.isActive != true else { return }
    images[Image.Name(vm: order.vm, host: run.host)]?.isBeingRestored = false
  }

  private mutating func removeImage(of order: MigrationOrder, _ run: Run) {
    if sabotage != .keepsImages { images[Image.Name(vm: order.vm, host: run.host)] = nil }
  }
}
