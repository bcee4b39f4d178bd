import ClusterModel
import VirtualTime

/// What goes wrong, and how it ends.
extension World {
  mutating func strike(_ fault: Fault) {
    note("FAULT \(fault.kind)")
    if fault.kind.disturbsHolds { truth.disturbances += 1 }
    switch fault.kind {
    case .death(let client, let effects, let away):
      truth.absences[client] = away
      guard effects >= 0 else { return die(client) }
      switch client {
      case .coordinator: coordinator.effectsLeft = effects
      case .worker(let host): workers[host]?.effectsLeft = effects
      case .agent, .scheduler: break
      }
    case .standstill(let time): standStill(for: time)
    case .powerFailure(let host, let away): losePower(host, for: away)
    case .partition(let client, let time):
      setPartitioned(client, true)
      truth.disconnections += 1
      disconnect(client, sayingAfter: .seconds(client == .coordinator ? 15 : 20))
      events.add(.heals(fault.kind), at: now + time)
    case .brokerRestart(let away):
      bus.isUp = false
      truth.disconnections += 1
      for client in programs where bus.sessions[client]?.isConnected == true {
        disconnect(client, sayingAfter: away + .seconds(10))
        events.add(.connect(client), at: soon(200...2000))
      }
      events.add(.heals(fault.kind), at: now + away)
    case .doubling(let time):
      isDoubling = true
      events.add(.heals(fault.kind), at: now + time)
    case .delays(let longest, let time):
      longestDelay = longest
      events.add(.heals(fault.kind), at: now + time)
    case .loss(let time):
      isLosing = true
      events.add(.heals(fault.kind), at: now + time)
    case .job(let host, let trouble): hosts[host]?.troubles.append(trouble)
    case .hypervisorAway(let host, let time):
      hosts[host]?.isHypervisorAway = true
      events.add(.look(host), at: now)
      events.add(.heals(fault.kind), at: now + time)
    case .lateLooks(let host, let lateness, let time):
      hosts[host]?.lateness = lateness
      events.add(.heals(fault.kind), at: now + time)
    case .fullDisk(let host, let time):
      workers[host]?.hasFullDisk = true
      events.add(.heals(fault.kind), at: now + time)
    case .clockJump(.coordinator, let seconds): coordinator.clockError += seconds
    case .clockJump(.worker(let host), let seconds): workers[host]?.clockError += seconds
    case .clockJump: break
    case .slowJob(let vm, let lag): changeProcesses(of: vm) { $0.lag = lag }
    case .refusal(let vm): changeProcesses(of: vm) { $0.refuses = true }
    case .processDeath(let vm):
      if let first = truth.processes[vm]?.keys.min() { end(first, of: vm) }
    case .leftover(let vm, let host, let time):
      guard hosts[host]?.isPowered == true, hosts[host]?.machines[vm] == nil,
        let machine = hosts.values.first(where: { $0.machines[vm]?.isHere == true })?.machines[vm]
      else { return }
      hosts[host]?.machines[vm] = machine.definition
      changed(host)
      events.add(.heals(.leftover(vm, host, time)), at: now + time)
    }
  }

  private var programs: [Client] { [.coordinator] + names.map(Client.worker) }

  private mutating func changeProcesses(of vm: VMName, _ change: (inout JobProcess) -> Void) {
    for name in (truth.processes[vm] ?? [:]).keys.sorted() {
      guard var process = truth.processes[vm]?[name] else { continue }
      change(&process)
      truth.processes[vm]?[name] = process
    }
  }

  private mutating func setPartitioned(_ client: Client, _ isPartitioned: Bool) {
    switch client {
    case .coordinator: coordinator.isPartitioned = isPartitioned
    case .worker(let host): workers[host]?.isPartitioned = isPartitioned
    case .agent, .scheduler: break
    }
  }

  mutating func heal(_ kind: Fault.Kind) {
    if kind.disturbsHolds { truth.disturbances += 1 }
    switch kind {
    case .partition(let client, _):
      setPartitioned(client, false)
      reconnect(client)
    case .brokerRestart: bus.isUp = true
    case .doubling: isDoubling = false
    case .delays: longestDelay = .zero
    case .loss: isLosing = false
    case .hypervisorAway(let host, _):
      hosts[host]?.isHypervisorAway = false
      events.add(.look(host), at: now)
    case .lateLooks(let host, _, _): hosts[host]?.lateness = .zero
    case .fullDisk(let host, _): workers[host]?.hasFullDisk = false
    case .leftover(let vm, let host, _):
      guard hosts[host]?.isPowered == true else { return events.add(.heals(kind), at: now + .seconds(10)) }
      // Meanwhile it may have become the only one.
      guard hosts[host]?.machines[vm]?.state == .shutOff,
        hosts.contains(where: { $0.key != host && $0.value.machines[vm]?.isHere == true })
      else { return }
      hosts[host]?.machines[vm] = nil
      changed(host)
    default: break
    }
  }

  /// From now on nothing new goes wrong; who is away comes back when its time is over.
  mutating func healAll() {
    coordinator.effectsLeft = nil
    for name in names {
      workers[name]?.effectsLeft = nil
      hosts[name]?.troubles = []
    }
    for vm in truth.processes.keys.sorted() { changeProcesses(of: vm) { $0.lag = .zero } }
  }
}
