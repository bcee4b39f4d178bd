import ClusterModel
import CoordinatorCore
import MigfraProtocol
import NodeWorkerCore

/// Whether what is promised holds.
extension World {
  /// After every event.
  mutating func check() {
    guard truth.hasChanged else { return }
    truth.hasChanged = false
    var copies: [VMName: Int] = [:]
    var places: [VMName: Int] = [:]
    for host in hosts.values {
      for machine in host.machines.values {
        if host.isPowered, machine.isHere { copies[machine.name, default: 0] += 1 }
        if machine.state != .arriving { places[machine.name, default: 0] += 1 }
      }
    }
    for vm in truth.machines {
      if places[vm, default: 0] < 2 {
        if let since = truth.doubled.removeValue(forKey: vm), now - since > .seconds(30) {
          truth.formerlyDoubled[vm] = now
        }
      } else if truth.doubled[vm] == nil {
        truth.doubled[vm] = now
      }
      let count = copies[vm] ?? 0
      if count > 1 { fail(.oneCopy, "\(vm) runs \(count) times") }
      if count == 0, !truth.off.contains(vm), !hasImage(vm) { fail(.noneLost, "\(vm) is nowhere") }
    }
  }

  /// When the coordinator has decided something; `before`: what it had told until then.
  mutating func checkStrays(_ before: [String: Stray]) {
    for (uuid, stray) in coordinator.core.strays.sorted(by: { $0.key < $1.key }) where before[uuid] != stray {
      note("the coordinator calls \(uuid) a stray: \(stray.places.map { "\($0.host) \($0.isActive)" })")
      let isTrue = stray.places.contains { place in
        truth.doubled[place.name].map { now - $0 > .seconds(30) } ?? false
          // A host that looks late tells of what was there 15 s ago.
          || truth.formerlyDoubled[place.name].map { now - $0 < .seconds(20) } ?? false
      }
      if !isTrue { fail(.strays, "\(uuid) is called one, and is in one place") }
    }
  }

  /// When something begins to arrive.
  mutating func checkMemory(of name: HostName, _ order: MigrationOrder) {
    // Who is away is planned by what it said last: libvirt's own look has the word.
    guard truth.isOnlyCoordinated, bus.sessions[.worker(name)]?.isConnected == true, let host = hosts[name],
      host.used > host.memory
    else { return }
    fail(.memory, "\(name) has \(host.memory) GiB, and \(host.used) with \(order.vm)")
  }

  /// When a machine begins to move.
  mutating func checkConnections(of order: MigrationOrder) {
    guard let hook = order.tuning.hookProcesses, hook != .count(0), !truth.contended.contains(order.vm) else { return }
    let open = (truth.processes[order.vm] ?? [:]).filter { !$0.value.isSuspended }.keys.sorted()
    if !open.isEmpty { fail(.closedConnections, "\(order.vm) moves while \(open) are connected") }
  }

  /// When the coordinator has decided something.
  mutating func checkGangs() {
    var active: Set<String> = []
    for evacuation in coordinator.core.evacuations {
      for gang in evacuation.gangs where gang.isActive {
        let key = "\(evacuation.id) \(gang.job)"
        active.insert(key)
        if truth.gangs[key] == nil {
          note("\(gang.vms.map(\.rawValue)) of the job \(gang.job) are to move as one")
          truth.gangs[key] = (gang.vms, suspensions(of: gang.vms), truth.disturbances)
        }
      }
    }
    for (key, gang) in truth.gangs.sorted(by: { $0.key < $1.key }) where !active.contains(key) {
      truth.gangs[key] = nil
      // Others may suspend its processes, too; and whoever is cut off cannot renew what it holds.
      guard truth.isOnlyCoordinated, gang.disturbances == truth.disturbances else { continue }
      let twice = suspensions(of: gang.vms).filter { $0.value > gang.before[$0.key, default: 0] + 1 }.keys.min()
      if let twice { fail(.oneInterruption, "\(twice) was suspended more than once while \(key) moved") }
    }
  }

  private func suspensions(of vms: [VMName]) -> [String: Int] {
    var counts: [String: Int] = [:]
    for vm in vms {
      for (name, process) in truth.processes[vm] ?? [:] { counts["\(vm)/\(name)"] = process.suspensions }
    }
    return counts
  }

  /// When the coordinator gives an order.
  mutating func checkOrder(_ task: TaskMessage) {
    guard let id = task.id, truth.orders.insert(id).inserted, case .migrate(let migration) = task.body else { return }
    let isBeingEmptied = coordinator.core.evacuations.contains {
      $0.empties(migration.destination) && !$0.state.isFinal
    }
    if isBeingEmptied { fail(.drainingIsNoTarget, "\(id) goes to \(migration.destination)") }
  }

  /// An order reaches a worker.
  mutating func noteOrder(_ task: TaskMessage, _ host: HostName) {
    guard let id = task.id, let epoch = task.epoch, let known = workers[host]?.journal.newestCoordinator else { return }
    if epoch >= known {
      truth.validOrders[host, default: []].insert(id)
    } else {
      truth.voidOrders[host, default: []].insert(id)
    }
  }

  /// A worker begins something.
  mutating func checkAuthority(of operation: NodeWorkerCore.Operation, on host: HostName) {
    guard case .migrate(let order) = operation, order.mayBegin, let task = order.task,
      truth.voidOrders[host]?.contains(task) == true, truth.validOrders[host]?.contains(task) != true
    else { return }
    fail(.newestCoordinator, "\(order.vm) is moved for the order \(task)")
  }

  mutating func checkDrained(_ host: HostName) {
    let left = coordinator.core.roster[host]?.activeVMs.map(\.name) ?? []
    if !left.isEmpty { fail(.drainedIsEmpty, "\(host) has \(left)") }
  }

  /// An answer reaches its client.
  mutating func checkAnswer(_ result: TaskResult, _ number: Int) {
    guard let id = result.id, let sent = truth.sent[id] else { return }
    truth.answers[id, default: [:]][number] = result
    guard !truth.unwritten.contains(id) else { return }
    let answers = truth.answers[id] ?? [:]
    if let other = answers.values.first(where: { $0 != result }) {
      fail(.oneAnswer, "\(id) is answered \(Self.text(other)), and \(Self.text(result))")
    }
    let deaths =
      switch sent.client {
      case .worker(let host): (workers[host]?.deaths ?? 0) + coordinator.deaths
      default: coordinator.deaths
      }
    let most = (truth.received[id] ?? 0) + deaths + truth.disconnections
    if answers.count > most { fail(.oneAnswer, "\(id) came \(most) times at most, and has \(answers.count) answers") }
  }

  /// When nothing happens any more.
  mutating func checkEnd() {
    for id in truth.sentOrder where truth.answers[id] == nil && !truth.unwritten.contains(id) {
      return fail(.answered, "\(id) has none: \(truth.sent[id].map { Self.text($0.task) } ?? "")")
    }
    for (vm, processes) in truth.processes.sorted(by: { $0.key < $1.key }) {
      guard hosts.values.contains(where: { $0.machines[vm]?.state == .running }) else { continue }
      let suspended = processes.filter(\.value.isSuspended).keys.sorted()
      if !suspended.isEmpty { return fail(.jobsGoOn, "\(suspended) of \(vm) are suspended") }
    }
    let open =
      coordinator.core.evacuations.map(\.id) + coordinator.core.swaps.map(\.id)
      + coordinator.core.rearrangements.map(\.id)
      // A dry run may be carried out later.
      + coordinator.journal.operations.values.filter { $0.operation.sequence != nil }.map(\.operation.id).sorted()
    if !open.isEmpty { return fail(.operationsEnd, "the coordinator has \(open)") }
    for name in names {
      guard let worker = workers[name] else { continue }
      if worker.core.runningOperations > 0 { return fail(.operationsEnd, "\(name) performs operations") }
      // A machine that an answer calls saved keeps its job closed until it runs again.
      if worker.journal.jobs.keys.contains(where: { !hasImage($0) }) {
        return fail(.operationsEnd, "\(name) has closed jobs in its journal")
      }
    }
    let strays = Set(coordinator.core.strays.values.flatMap(\.places).map(\.name))
    if let vm = strays.symmetricDifference(truth.doubled.keys).min() {
      return fail(
        .strays, "\(vm) \(strays.contains(vm) ? "is still called one" : "is in two places, and that is not told")")
    }
    if let host = truth.nodes.filter({ $0.value == .draining || $0.value == .restoring }).keys.min() {
      return fail(.operationsEnd, "\(host) is still being emptied or restored")
    }
    let told = truth.answers.values.flatMap(\.values).flatMap { [$0.details] + $0.entries.map(\.details) }
      .compactMap { $0 }
    for vm in Set(images.keys.map(\.vm)).sorted() where !told.contains(where: { $0.contains(vm.rawValue) }) {
      return fail(.noImageLeft, "\(vm) has an image")
    }
  }
}
