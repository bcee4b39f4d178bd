import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// A worker's operations, step by step, as its hypervisor's module carries them out.
extension World {
  mutating func start(_ id: OperationID, _ operation: NodeWorkerCore.Operation, on host: HostName) {
    runCount += 1
    runs[runCount] = Run(host: host, life: workers[host]?.life ?? 0, id: id, operation: operation)
    events.add(.step(runCount), at: soon(20...1500))
  }

  mutating func abort(_ id: OperationID, on host: HostName) {
    let life = workers[host]?.life
    guard let number = runs.first(where: { $0.value.host == host && $0.value.life == life && $0.value.id == id })?.key
    else { return }
    runs[number]?.isCancelled = true
    guard let job = runs[number]?.job, let running = jobs[job], !running.ignoresAbort, running.kind != .restore else {
      return
    }
    // What is nearly done is done before it is heard.
    guard generator.happens(75) else { return }
    jobs[job]?.fails = true
    jobs[job]?.failure = Failure(.cancelled, "cancelled")
    events.add(.jobEnds(job), at: soon(20...500))
  }

  /// The next step of an operation, if its worker still lives.
  mutating func proceed(_ number: Int) {
    guard let run = runs[number] else { return }
    guard isUp(.worker(run.host), run.life) else {
      runs[number] = nil
      return
    }
    do throws(Failure) {
      guard hosts[run.host]?.isHypervisorAway != true else {
        // What is saved is told by whoever looks for the machine.
        let kept = run.order.flatMap { image(of: $0, run) }.map { "; \($0.machine.name) is kept in its image" } ?? ""
        throw Failure(.hypervisorLost, "the hypervisor of \(run.host) cannot be reached\(kept)", mayPass: true)
      }
      switch run.operation {
      case .start(let start): try self.start(start, number, run)
      case .stop(let stop): try self.stop(stop, number, run)
      case .suspend(let vm): try setState(of: vm, to: .paused, number, run)
      case .resume(let vm): try setState(of: vm, to: .running, number, run)
      case .repin(let repin): finish(number, .success(vm: repin.vm))
      case .hold, .release: preconditionFailure("the core carries these out itself")
      case .examine(let order): try examine(order, number, run)
      case .migrate(let order): try proceed(with: order, number, run)
      }
    } catch {
      finish(number, .failure(error.code, error.details, mayPass: error.mayPass))
    }
  }

  mutating func finish(_ number: Int, _ outcome: OperationOutcome) {
    guard let run = runs.removeValue(forKey: number) else { return }
    // After a success the destination's worker is asked for the process.
    let pause: Duration = if case .migrate = run.operation { soon(5...1000) - now } else { .zero }
    events.add(
      .input(.worker(run.host), life: run.life, .worker(.operationFinished(run.id, outcome))),
      at: now + pause + .milliseconds(1))
  }

  /// The hosts whose workers said last that the machine is active there.
  private func reported(_ vm: VMName, _ run: Run) throws(Failure) -> [HostName] {
    guard bus.isUp, workers[run.host]?.isPartitioned == false else {
      throw Failure(.internal, "whether it runs elsewhere could not be asked", mayPass: true)
    }
    return bus.retained.values.compactMap { message in
      guard case .hostState(let report) = message.content,
        report.vms.contains(where: { $0.name == vm && $0.state.isActive })
      else { return nil }
      return report.host
    }
  }

  func refuseOldImage(_ order: MigrationOrder, _ run: Run) throws(Failure) {
    guard order.type == .offline else { return }
    let others = try reported(order.vm, run)
    guard !others.contains(run.host), others.contains(where: { $0 != order.destination }) else { return }
    throw Failure(.exists, "\(order.vm) runs on another host; an image of it is old")
  }

  // MARK: Start and stop

  private mutating func start(_ start: VMStart, _ number: Int, _ run: Run) throws(Failure) {
    guard let vm = start.name else { throw Failure(.invalidMessage, "no name") }
    if try reported(vm, run).contains(where: { $0 != run.host }) {
      throw Failure(.exists, "\(vm) runs on another host")
    }
    guard let host = hosts[run.host], let machine = host.machines[vm] else { throw Failure(.notFound, "no \(vm)") }
    guard !machine.isActive else { return finish(number, .success(vm: vm)) }
    guard !hasImage(vm) else { throw Failure(.wrongState, "\(vm) is kept in an image") }
    guard !isLocked(vm, for: run.host) else { throw Failure(.hypervisor, "the disk of \(vm) is locked") }
    guard host.used + machine.memory <= host.memory else { throw Failure(.hypervisor, "no memory for \(vm)") }
    hosts[run.host]?.machines[vm]?.state = .running
    note("\(vm) is started on \(run.host)")
    truth.off.remove(vm)
    changed(run.host)
    finish(number, .success(vm: vm))
  }

  /// Where a machine was defined twice by hand, and the worker where it runs is away, nobody on the bus knows of it: QEMU's
  /// lock on its disk is what keeps it from running twice.
  private func isLocked(_ vm: VMName, for host: HostName) -> Bool {
    hosts.contains { other in
      other.key != host && other.value.machines[vm]?.isHere == true
        && bus.sessions[.worker(other.key)]?.isConnected != true
    }
  }

  private mutating func stop(_ stop: VMStop, _ number: Int, _ run: Run) throws(Failure) {
    guard let machine = hosts[run.host]?.machines[stop.vm] else { throw Failure(.notFound, "no \(stop.vm)") }
    if machine.isActive {
      guard machine.isHere else { throw Failure(.wrongState, "\(stop.vm) is arriving") }
      note("\(stop.vm) is stopped on \(run.host)")
      truth.off.insert(stop.vm)
      if let job = machine.job { fail(job, because: "the machine was stopped") }
      if machine.isPersistent {
        hosts[run.host]?.machines[stop.vm]?.state = .shutOff
        hosts[run.host]?.machines[stop.vm]?.job = nil
      } else {
        hosts[run.host]?.machines[stop.vm] = nil
      }
      endProcesses(of: stop.vm)
      changed(run.host)
    }
    finish(number, .success(vm: stop.vm))
  }

  private mutating func setState(
    of vm: VMName, to state: VirtualMachine.State, _ number: Int, _ run: Run
  ) throws(Failure) {
    guard let machine = hosts[run.host]?.machines[vm] else { throw Failure(.notFound, "no \(vm)") }
    guard machine.isHere else { throw Failure(.wrongState, "\(vm) is not running") }
    hosts[run.host]?.machines[vm]?.state = state
    changed(run.host)
    finish(number, .success(vm: vm))
  }

  // MARK: What hosts show

  /// The machines of the host are others now: its worker hears so, some time later.
  mutating func changed(_ host: HostName) {
    truth.hasChanged = true
    guard let lateness = hosts[host]?.lateness, hosts[host]?.isLookPlanned == false else { return }
    hosts[host]?.isLookPlanned = true
    events.add(.look(host), at: soon(5...300) + lateness)
  }

  mutating func look(at name: HostName) {
    hosts[name]?.isLookPlanned = false
    guard let host = hosts[name], host.isPowered else { return }
    if host.isHypervisorAway {
      return feed(.worker(name), .worker(.hypervisorLost("away")))
    }
    feed(.worker(name), .worker(.inventoryTaken(host.inventory(exaggerating: sabotage == .exaggeratesMemory))))
  }
}
