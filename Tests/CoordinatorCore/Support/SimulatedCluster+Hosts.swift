import ClusterModel
import CoordinatorCore
import MigfraProtocol
import VirtualTime

/// What hosts and their workers do, and what befalls them.
extension SimulatedCluster {
  // MARK: Machines

  mutating func start(on host: HostName) {
    vmCount += 1
    let vm = VirtualMachine.sample(
      VMName(rawValue: "v\(vmCount)"), memory: Int.random(in: 1...3, using: &generator))
    guard let room = hosts[host], room.usedMemoryKiB + vm.memoryKiB <= room.capacity.memoryKiB else { return }
    hosts[host]?.vms.append(vm)
  }

  mutating func end(
    _ vm: VMName, from source: HostName, to destination: HostName, _ failure: ErrorCode?,
    as state: VirtualMachine.State? = nil
  ) {
    moving.remove(vm)
    let failure = givenUp.remove(vm) != nil ? .cancelled : failure
    hosts[destination]?.vms.removeAll { $0.name == vm && $0.state == .arriving }
    if failure == nil, var carried = hosts[source]?.vms.first(where: { $0.name == vm }) {
      carried.state = state ?? carried.state
      hosts[source]?.vms.removeAll { $0.name == vm }
      hosts[destination]?.vms.append(carried)
    }
    log.append("\(now) \(vm) \(source)>\(destination) \(failure.map { "\($0)" } ?? "moved")")
    publishState(of: source)
    publishState(of: destination)
    if hosts[source]?.worker != .dead { judge(vm, on: source, failure) }
  }

  // MARK: Workers

  mutating func receive(_ task: TaskMessage, on host: HostName) {
    guard let worker = hosts[host], let id = task.id else { return }
    guard worker.worker == .online else {
      hosts[host]?.inbox.append(task)
      return
    }
    if case .cancel(let order) = task.body { return cancel(order, on: host) }
    if let answer = worker.answers[id] { return send(answer, from: host) }
    guard !worker.open.contains(where: { $0.id == id }) else { return }
    hosts[host]?.open.append(task)
    if case .migrate(let migration) = task.body, let notAfter = task.notAfter, now.inSeconds > notAfter {
      return judge(migration.vm, on: host, .expired, only: id)
    }
    work(on: host)
  }

  /// Takes up what is open: begins it, or answers it by what is seen.
  private mutating func work(on host: HostName) {
    for task in hosts[host]?.open ?? [] {
      guard case .migrate(let migration) = task.body, !moving.contains(migration.vm) else { continue }
      begin(migration, on: host)
    }
  }

  /// Half of the migrations under way can still be given up.
  private mutating func cancel(_ order: TaskID, on host: HostName) {
    guard let task = hosts[host]?.open.first(where: { $0.id == order }), case .migrate(let migration) = task.body,
      generator.happens(50)
    else { return }
    log.append("\(now) cancels \(migration.vm) on \(host)")
    givenUp.insert(migration.vm)
  }

  private mutating func begin(_ migration: VMMigration, on host: HostName) {
    if let stage = migration.tuning.offlineStage { return begin(stage, of: migration, on: host) }
    let vm = hosts[host]?.vms.first { $0.name == migration.vm && $0.state.isActive }
    guard let vm else { return judge(migration.vm, on: host, .notFound) }
    moving.insert(vm.name)
    var arriving = vm
    arriving.state = .arriving
    hosts[migration.destination]?.vms.append(arriving)
    log.append("\(now) begins \(vm.name) \(host)>\(migration.destination)")
    publishState(of: migration.destination)
    var failure: ErrorCode?
    if hasFaults, generator.happens(25) {
      failure = ([.hypervisor, .destination, .timeout, .exists] as [ErrorCode]).randomElement(using: &generator)
    }
    events.add(
      .migrationEnds(vm.name, from: host, to: migration.destination, failure),
      at: now + .milliseconds(Int.random(in: 100...20_000, using: &generator)))
  }

  /// A part of an offline migration: what is saved is off on this host.
  private mutating func begin(_ stage: OfflineStage, of migration: VMMigration, on host: HostName) {
    guard let vm = hosts[host]?.vms.first(where: { $0.name == migration.vm }) else {
      return judge(migration.vm, on: host, .notFound)
    }
    let isSaved = vm.state == .shutOff
    switch stage {
    case .save where isSaved, .goHome where !isSaved: return judge(vm.name, on: host, nil)
    case .restore where !isSaved: return judge(vm.name, on: host, .wrongState)
    case .save, .restore, .goHome: break
    }
    moving.insert(vm.name)
    log.append("\(now) begins to \(stage.rawValue) \(vm.name) on \(host)")
    if stage == .restore {
      var arriving = vm
      arriving.state = .arriving
      hosts[migration.destination]?.vms.append(arriving)
    }
    var failure: ErrorCode?
    if hasFaults, generator.happens(25) { failure = generator.happens(50) ? .hypervisor : .destination }
    events.add(
      .stageEnds(stage, vm.name, from: host, to: migration.destination, failure),
      at: now + .milliseconds(Int.random(in: 100...8000, using: &generator)))
  }

  mutating func end(
    _ stage: OfflineStage, of vm: VMName, from source: HostName, to destination: HostName, _ failure: ErrorCode?
  ) {
    if stage == .restore { return end(vm, from: source, to: destination, failure, as: .running) }
    moving.remove(vm)
    let failure = givenUp.remove(vm) != nil ? .cancelled : failure
    if failure == nil, let index = hosts[source]?.vms.firstIndex(where: { $0.name == vm }) {
      hosts[source]?.vms[index].state = stage == .save ? .shutOff : .running
    }
    log.append("\(now) \(stage.rawValue) \(vm) on \(source) \(failure.map { "\($0)" } ?? "done")")
    publishState(of: source)
    if hosts[source]?.worker != .dead { judge(vm, on: source, failure) }
  }

  /// Answers the tasks for a machine by where it is now.
  private mutating func judge(_ vm: VMName, on host: HostName, _ failure: ErrorCode?, only meant: TaskID? = nil) {
    for task in hosts[host]?.open ?? [] {
      guard case .migrate(let migration) = task.body, migration.vm == vm, let id = task.id, meant ?? id == id else {
        continue
      }
      hosts[host]?.open.removeAll { $0.id == id }
      // Too late is too late, wherever the machine may be.
      let place: (host: HostName, isActive: Bool) =
        switch migration.tuning.offlineStage {
        case .save: (host, false)
        case .goHome: (host, true)
        case .restore, nil: (migration.destination, true)
        }
      let isThere =
        failure != .expired
        && hosts[place.host]?.vms.contains {
          $0.name == vm && $0.state != .arriving && $0.state.isActive == place.isActive
        } == true
      let outcome =
        isThere ? VMOutcome(vm: vm) : VMOutcome(vm: vm, failure: failure ?? .notFound, details: "it did not work")
      let answer = TaskResult(title: .vmMigrated, id: id, entries: [outcome])
      hosts[host]?.answers[id] = answer
      send(answer, from: host)
    }
  }

  private mutating func send(_ answer: TaskResult, from host: HostName) {
    guard hosts[host]?.worker == .online else {
      hosts[host]?.outbox.append(answer)
      return
    }
    for _ in 0..<(hasFaults && generator.happens(10) ? 2 : 1) {
      events.add(.toCoordinator(.workerAnswered(answer, from: host)), at: later(1000))
    }
  }

  mutating func publishState(of host: HostName) {
    guard hosts[host]?.worker == .online, let report = hosts[host]?.report(host) else { return }
    deliver(report)
    // A copy of it may come when it is old news.
    if hasFaults, generator.happens(10) { events.add(.toCoordinator(.hostReported(report)), at: later(10_000)) }
  }

  private mutating func deliver(_ report: HostReport) {
    let at = max(later(500), hosts[report.host]?.lastDelivery ?? .zero)
    hosts[report.host]?.lastDelivery = at
    events.add(.toCoordinator(.hostReported(report)), at: at)
  }

  // MARK: Faults

  mutating func strike() {
    let host = names.randomElement(using: &generator) ?? "n1"
    guard hosts[host]?.worker == .online else { return }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0...3: takeAway(host, .unheard)
    case 4...6: takeAway(host, .dead)
    case 7:
      hosts[host]?.isReachable.toggle()
      publishState(of: host)
    default:
      // Machines come to a host only where nobody has promised its memory.
      guard machine.evacuations.contains(where: { $0.empties(host) }) else { return }
      start(on: host)
      publishState(of: host)
    }
  }

  private mutating func takeAway(_ host: HostName, _ fate: SimulatedHost.Worker) {
    log.append("\(now) \(host) \(fate)")
    hosts[host]?.worker = fate
    deliver(HostReport(host: host, presence: .offline, epoch: hosts[host]?.epoch ?? 1))
    let pause = generator.happens(80) ? 30_000 : 120_000
    events.add(
      .workerReturns(host, losingJournal: fate == .dead && generator.happens(30)),
      at: now + .milliseconds(Int.random(in: 1000...pause, using: &generator)))
  }

  mutating func bringBack(_ host: HostName, losingJournal: Bool) {
    log.append("\(now) \(host) is back\(losingJournal ? " without its journal" : "")")
    let wasDead = hosts[host]?.worker == .dead
    hosts[host]?.worker = .online
    hosts[host]?.isReachable = true
    if wasDead {
      hosts[host]?.epoch += 1
      hosts[host]?.sequence = 0
    }
    if losingJournal {
      hosts[host]?.open = []
      hosts[host]?.answers = [:]
      hosts[host]?.outbox = []
    }
    publishState(of: host)
    let inbox = hosts[host]?.inbox ?? []
    let outbox = hosts[host]?.outbox ?? []
    hosts[host]?.inbox = []
    hosts[host]?.outbox = []
    if wasDead {
      let open = hosts[host]?.open ?? []
      hosts[host]?.open = []
      for task in open { receive(task, on: host) }
    }
    for task in inbox { receive(task, on: host) }
    for answer in outbox { send(answer, from: host) }
  }
}
