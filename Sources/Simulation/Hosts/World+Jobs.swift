import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// How libvirt's jobs end.
extension World {
  mutating func endJob(_ number: Int) {
    guard let job = jobs.removeValue(forKey: number) else { return }
    let failure = job.fails ? job.failure ?? Failure(.hypervisor, "an internal error", mayPass: true) : nil
    note("\(job.kind) of \(job.vm) ends\(failure.map { ": \($0.details)" } ?? "")")
    switch job.kind {
    case .migration: endMigration(job, number, failure)
    case .save: endSave(job, number, failure)
    case .restore: endRestore(job, failure)
    }
    runs[job.run]?.failure = failure
    runs[job.run]?.job = nil
    events.add(.step(job.run), at: soon(5...300))
    changed(job.source)
    changed(job.destination)
  }

  private mutating func endMigration(_ job: HypervisorJob, _ number: Int, _ failure: Failure?) {
    guard hosts[job.source]?.machines[job.vm]?.job == number else {
      remove(job.vm, arrivingOn: job.destination)
      return
    }
    hosts[job.source]?.machines[job.vm]?.job = nil
    guard failure == nil else {
      remove(job.vm, arrivingOn: job.destination)
      if sabotage == .losesMachines { hosts[job.source]?.machines[job.vm] = nil }
      return
    }
    // It stays paused if it was paused meanwhile.
    let state = hosts[job.source]?.machines[job.vm]?.state ?? job.state
    hosts[job.source]?.machines[job.vm] = nil
    hosts[job.destination]?.machines[job.vm]?.state = state
    hosts[job.destination]?.machines[job.vm]?.job = nil
  }

  private mutating func remove(_ vm: VMName, arrivingOn host: HostName) {
    guard let machine = hosts[host]?.machines[vm] else { return }
    if machine.state == .arriving || sabotage == .runsSecondCopy { hosts[host]?.machines[vm] = nil }
  }

  private mutating func endSave(_ job: HypervisorJob, _ number: Int, _ failure: Failure?) {
    guard var machine = hosts[job.source]?.machines[job.vm], machine.job == number else { return }
    machine.job = nil
    hosts[job.source]?.machines[job.vm]?.job = nil
    guard failure == nil else { return }
    images[Image.Name(vm: job.vm, host: job.source)] = Image(machine: machine)
    if machine.isPersistent {
      hosts[job.source]?.machines[job.vm]?.state = .shutOff
    } else {
      hosts[job.source]?.machines[job.vm] = nil
    }
  }

  private mutating func endRestore(_ job: HypervisorJob, _ failure: Failure?) {
    guard let machine = hosts[job.destination]?.machines[job.vm], machine.state == .arriving else { return }
    if failure == nil {
      hosts[job.destination]?.machines[job.vm]?.state = job.state
    } else if machine.isPersistent {
      hosts[job.destination]?.machines[job.vm]?.state = .shutOff
    } else {
      hosts[job.destination]?.machines[job.vm] = nil
    }
  }

  /// Somebody else has ended what the job works on.
  mutating func fail(_ job: Int, because details: String) {
    jobs[job]?.fails = true
    jobs[job]?.failure = Failure(.hypervisor, details, mayPass: true)
    events.add(.jobEnds(job), at: now + .milliseconds(20))
  }

  // MARK: Power

  mutating func losePower(_ name: HostName, for time: Duration) {
    guard let host = hosts[name], host.isPowered else { return }
    note("\(name) loses power")
    hosts[name]?.isPowered = false
    die(.worker(name), away: time + .seconds(1), isSilent: true)
    for machine in host.machines.values.sorted(by: { $0.name < $1.name }) where machine.isActive {
      if machine.isHere {
        truth.off.insert(machine.name)
        endProcesses(of: machine.name)
      }
      hosts[name]?.machines[machine.name]?.state = .shutOff
      hosts[name]?.machines[machine.name]?.job = nil
      // An arriving one is defined here only at the end of its way.
      if !machine.isPersistent || machine.state == .arriving && !hasImage(machine.name) {
        hosts[name]?.machines[machine.name] = nil
      }
    }
    for (number, job) in jobs.sorted(by: { $0.key < $1.key }) where job.source == name || job.destination == name {
      if job.host == name {
        // Whoever waits at the other end hears that it is over.
        jobs[number] = nil
        if job.kind == .migration { remove(job.vm, arrivingOn: job.destination) }
        runs[job.run]?.failure = Failure(.destination, "\(name) does not answer", mayPass: true)
        runs[job.run]?.job = nil
        events.add(.step(job.run), at: soon(1000...5000))
        changed(job.destination)
      } else if job.kind == .migration {
        jobs[number]?.fails = true
        jobs[number]?.failure = Failure(.destination, "\(name) does not answer", mayPass: true)
        events.add(.jobEnds(number), at: soon(1000...20_000))
      }
    }
    events.add(.powerReturns(name), at: now + time)
  }

  mutating func powerReturns(_ name: HostName) {
    note("\(name) has power again")
    hosts[name]?.isPowered = true
    events.add(.begin(.worker(name)), at: soon(500...3000))
    truth.hasChanged = true
  }
}
