import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// Migrations, judged by both ends as `MigrationEnds` judges.
extension World {
  enum Finding {
    case here(Machine)
    case there(Machine)
    case notRunning(here: Machine?, there: Machine?)
  }

  func reach(_ order: MigrationOrder) throws(Failure) {
    guard let destination = hosts[order.destination], destination.isPowered, !destination.isHypervisorAway else {
      throw Failure(.destination, "\(order.destination) cannot be reached", mayPass: true)
    }
  }

  /// Opens the other end; a machine that is saved may run there.
  private func open(_ order: MigrationOrder, _ run: Run) throws(Failure) {
    do throws(Failure) { try reach(order) } catch {
      guard order.type == .offline, order.tuning.offlineStage == nil, image(of: order, run) != nil,
        hosts[run.host]?.machines[order.vm]?.isActive != true
      else { throw error }
      throw Failure(.inDoubt, "\(error.details); \(order.vm) may run there, and is kept in its image")
    }
  }

  /// An earlier life of the worker has saved it for an exchange, and was not there to say so.
  private func isSavedAlready(_ order: MigrationOrder, _ run: Run) -> Bool {
    order.tuning.offlineStage == .save && image(of: order, run) != nil
      && hosts[run.host]?.machines[order.vm]?.isActive != true
  }

  func judge(_ order: MigrationOrder, _ run: Run) throws(Failure) -> Finding {
    let here = hosts[run.host]?.machines[order.vm]
    let there = hosts[order.destination]?.machines[order.vm]
    guard let here, here.isActive else {
      if let there, there.isHere { return .there(there) }
      return .notRunning(here: here, there: there)
    }
    guard here.isHere else {
      throw Failure(.hypervisor, "\(order.vm) is still on its way to \(run.host)", mayPass: true)
    }
    guard let there, there.isActive else { return .here(here) }
    guard there.isHere else {
      throw Failure(.destination, "\(order.destination) still holds \(order.vm)", mayPass: true)
    }
    throw Failure(.inDoubt, "\(order.vm) runs on both")
  }

  func preflight(_ machine: Machine, _ order: MigrationOrder) throws(Failure) {
    guard order.tuning.offlineStage != .save, sabotage != .exaggeratesMemory, let host = hosts[order.destination],
      host.memory - host.used < machine.memory
    else { return }
    throw Failure(.capacity, "\(order.destination) has too little memory for \(order.vm)")
  }

  /// A worker that was restarted waits for the job that the last one had begun.
  private mutating func awaitsEarlierJob(of vm: VMName, _ number: Int, _ run: Run) -> Bool {
    guard let machine = hosts[run.host]?.machines[vm], machine.isActive, machine.job != nil else { return false }
    events.add(.step(number), at: now + .seconds(1))
    return true
  }

  mutating func examine(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    if awaitsEarlierJob(of: order.vm, number, run) { return }
    if isSavedAlready(order, run) { return finish(number, .ready) }
    try open(order, run)
    switch try judge(order, run) {
    case .there where order.type != .offline || image(of: order, run) == nil: finish(number, .success(vm: order.vm))
    case .there: finish(number, .ready)
    case .here(let machine):
      try preflight(machine, order)
      finish(number, .ready)
    case .notRunning(let here, _):
      if order.type != .offline || (here == nil && image(of: order, run) == nil) { throw notRunning(order, here) }
      try refuseDoubtful(order, run)
      finish(number, .ready)
    }
  }

  func notRunning(_ order: MigrationOrder, _ here: Machine?) -> Failure {
    here == nil
      ? Failure(.notFound, "Domain not found: '\(order.vm)'") : Failure(.wrongState, "\(order.vm) is not running")
  }

  mutating func proceed(with order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    switch run.stage {
    case .opening:
      if awaitsEarlierJob(of: order.vm, number, run) { return }
      try refuseOldImage(order, run)
      if isSavedAlready(order, run) { return finish(number, .success(vm: order.vm)) }
      try open(order, run)
      let finding = try judge(order, run)
      if order.type == .offline { return try moveOffline(order, finding, number, run) }
      switch finding {
      case .there: finish(number, .success(vm: order.vm))
      case .notRunning(let here, _): throw notRunning(order, here)
      case .here(let machine):
        guard order.mayBegin else { throw Failure(.expired, "expired; it runs on \(run.host)") }
        try preflight(machine, order)
        runs[number]?.stage = .beginning
        events.add(.step(number), at: soon(20...300))
      }
    case .beginning: try beginMigration(order, number, run)
    case .moving: try verify(order, number, run)
    case .saving, .restoring, .comingHome, .takingBack: try goOnOffline(order, number, run)
    }
  }

  private mutating func beginMigration(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    guard !run.isCancelled else { throw Failure(.cancelled, "cancelled; \(order.vm) runs on \(run.host)") }
    runs[number]?.stage = .moving
    // What libvirt itself refuses.
    guard let machine = hosts[run.host]?.machines[order.vm], machine.isHere, machine.job == nil,
      let there = hosts[order.destination], there.isPowered, there.machines[order.vm]?.isActive != true
    else {
      runs[number]?.failure = Failure(.hypervisor, "libvirt refuses to move \(order.vm)", mayPass: true)
      return events.add(.step(number), at: soon(10...100))
    }
    checkConnections(of: order)
    begin(.migration, machine, from: run.host, to: order.destination, number)
    hosts[run.host]?.machines[order.vm]?.job = runs[number]?.job
    var arriving = machine
    arriving.state = sabotage == .runsSecondCopy ? machine.state : .arriving
    hosts[order.destination]?.machines[order.vm] = arriving
    changed(order.destination)
    checkMemory(of: order.destination, order)
  }

  /// libvirt begins something long.
  mutating func begin(
    _ kind: HypervisorJob.Kind, _ machine: Machine, from source: HostName, to destination: HostName, _ run: Int
  ) {
    jobCount += 1
    var job = HypervisorJob(
      kind: kind, vm: machine.name, source: source, destination: destination, run: run, state: machine.state)
    var length = Duration.milliseconds(Int.random(in: 300...5000 * machine.memory, using: &generator))
    if let trouble = hosts[source]?.troubles.first {
      hosts[source]?.troubles.removeFirst()
      note("the \(kind) of \(machine.name) will go wrong: \(trouble)")
      switch trouble {
      case .fails: job.fails = true
      case .hangs(let time): if kind != .restore { length += time }
      case .ignoresAbort: job.ignoresAbort = true
      }
    }
    note("\(kind) of \(machine.name) from \(source) to \(destination) begins")
    jobs[jobCount] = job
    runs[run]?.job = jobCount
    events.add(.jobEnds(jobCount), at: now + length)
    // The worker that waits for it ends what stands still.
    if length > .seconds(45), !job.ignoresAbort {
      events.add(.standsStill(jobCount), at: now + .seconds(30))
    }
  }

  /// A worker that sees that nothing moves any more ends the job.
  mutating func giveUp(_ job: Int) {
    guard let running = jobs[job], let run = runs[running.run], isUp(.worker(run.host), run.life) else { return }
    jobs[job]?.failure = Failure(.destination, "given up: nothing moved any more", mayPass: true)
    jobs[job]?.fails = true
    endJob(job)
  }

  /// Asks both ends where the machine is: that counts, not what libvirt's call returned.
  private mutating func verify(_ order: MigrationOrder, _ number: Int, _ run: Run) throws(Failure) {
    let here = hosts[run.host]?.machines[order.vm]
    let failure = run.failure
    do throws(Failure) { try reach(order) } catch {
      if here?.isActive == true, let failure {
        throw Failure(
          failure.code == .cancelled ? .cancelled : .destination, "failed: \(failure.details); it runs on here",
          mayPass: failure.code != .cancelled)
      }
      throw Failure(.inDoubt, "\(order.vm) is not on \(run.host) any more, and \(order.destination) does not answer")
    }
    switch (here?.isHere == true, hosts[order.destination]?.machines[order.vm]?.isHere == true) {
    case (false, true): finish(number, .success(vm: order.vm))
    case (true, false): throw failure ?? Failure(.hypervisor, "it runs on here")
    case (true, true): throw Failure(.inDoubt, "\(order.vm) is active on both")
    case (false, false): throw Failure(.wrongState, "\(order.vm) stopped while it was moving")
    }
  }
}
