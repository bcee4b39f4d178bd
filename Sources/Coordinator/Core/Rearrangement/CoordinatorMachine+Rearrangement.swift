import ClusterModel
import MigfraProtocol

/// Machines that shall be on certain hosts: by a mapping, by `migrate vm`, or because their host is in service again.
extension CoordinatorMachine {
  /// Why something that was asked for cannot be.
  struct Flaw: Error {
    var code: ErrorCode
    var details: String

    init(_ code: ErrorCode, _ details: String) {
      self.code = code
      self.details = details
    }
  }

  mutating func rearrange(
    _ wish: VMRearrangement, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    let cluster = snapshot()
    do throws(Flaw) {
      var seen: Set<VMName> = []
      if let twice = wish.moves.first(where: { !seen.insert($0.vm).inserted }) {
        throw Flaw(.invalidMessage, "'\(twice.vm)' is named twice")
      }
      let wanted = try wish.moves.map { move throws(Flaw) in
        try way(of: move.vm, from: nil, to: move.destination, on: cluster)
      }
      return try begin(
        .mapping, wanted, way: wish.way, isDryRun: wish.isDryRun, on: cluster, task: task, from: arrival, at: now)
    } catch {
      return [refuse(task, error.code, error.details, to: arrival)]
    }
  }

  /// `migrate vm` at the coordinator's door: `host` may be left out.
  mutating func migrate(
    _ wish: VMMigration, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    let cluster = snapshot()
    do throws(Flaw) {
      guard wish.tuning.offlineStage == nil else {
        throw Flaw(.unsupported, "offline-stage: send it to the worker that has saved the machine")
      }
      let move = try way(of: wish.vm, from: task.host, to: wish.destination, on: cluster)
      let travel = VMTravel(type: wish.type, retries: wish.retries, tuning: wish.tuning)
      return try begin(
        .migration, [move], way: travel, isDryRun: false, on: cluster, task: task, from: arrival, at: now)
    } catch {
      return [refuse(task, error.code, error.details, to: arrival)]
    }
  }

  private func way(
    of name: VMName, from named: HostName?, to destination: HostName, on cluster: ClusterSnapshot
  ) throws(Flaw) -> Plan.Move {
    let homes = cluster.hosts.filter { host in
      (named == nil || named == host.name) && host.vms.contains { $0.name == name }
    }
    guard let home = homes.first, let vm = home.vms.first(where: { $0.name == name }) else {
      let place = named.map { " on \($0)" } ?? " on any host"
      throw Flaw(.notFound, "Domain not found: no domain with matching name '\(name)' runs\(place)")
    }
    guard homes.count == 1 else {
      let hosts = homes.map(\.name.rawValue).joined(separator: ", ")
      throw Flaw(.wrongState, "'\(name)' runs on several hosts (\(hosts)): name the one that is meant")
    }
    guard cluster.hosts.contains(where: { $0.name == destination }) else {
      throw Flaw(.destination, "unknown host '\(destination)': no worker of that name has ever reported")
    }
    return Plan.Move(vm: vm, source: home.name, destination: destination)
  }

  /// Plans the steps and begins with them; with a flaw nothing has been touched.
  mutating func begin(
    _ subject: RearrangementMachine.Subject, _ wanted: [Plan.Move], unplaced: [Plan.Unplaced] = [], way: VMTravel,
    isDryRun: Bool, on cluster: ClusterSnapshot, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) throws(Flaw) -> [CoordinatorEffect] {
    let moves = wanted.filter { $0.source != $0.destination }
    try check(moves, mayOverbook: way.overbooking ?? configuration.overbooking, on: cluster)
    let plan = RearrangementPlan(moves, unplaced: unplaced, on: cluster)
    let machine = RearrangementMachine(
      id: nextPlan(), task: task, arrival: arrival, subject: subject, plan: plan,
      type: way.type ?? configuration.migrationType, retries: way.retries ?? configuration.retries, at: now)
    if isDryRun { return publishDryRun(machine, plan, at: now) }
    rearrangements.append(machine)
    let metadata = ["plan-id": machine.id.rawValue, "what": "\(subject.operation)", "steps": "\(plan.steps.count)"]
    var effects: [CoordinatorEffect] = [.note(Note(.info, "machines are rearranged", metadata))]
    if let host = subject.host { effects.append(set(host, to: .restoring, because: "plan \(machine.id)")) }
    effects.append(.publishPlan(machine.report(at: now)))
    return effects + advance(at: now)
  }

  private mutating func publishDryRun(
    _ machine: RearrangementMachine, _ plan: RearrangementPlan, at now: Moment
  ) -> [CoordinatorEffect] {
    var report = machine.report(at: now)
    report.state = .planned
    let entries =
      machine.fates.map { VMOutcome(vm: $0.vm.name, details: "would move to \($0.wanted)") }
      + plan.unplaced.map { VMOutcome(vm: $0.vm.name, failure: .capacity, details: $0.details) }
    let result = TaskResult(
      title: machine.task.kind.title, id: machine.task.id, scheduler: "global", entries: entries,
      status: plan.unplaced.isEmpty ? .success : .infeasible, details: "dry run: \(report.reason)", plan: machine.id)
    return [.publishPlan(report)] + keep(machine.id) + [answer(machine.task, with: result, to: machine.arrival)]
  }

  /// Whether the hosts can take part, and have room when all has moved.
  private func check(_ moves: [Plan.Move], mayOverbook: Bool, on cluster: ClusterSnapshot) throws(Flaw) {
    for move in moves {
      if isMoving(move.vm.uuid) { throw Flaw(.wrongState, "\(move.vm.name) is being moved already") }
    }
    for host in cluster.hosts {
      let arriving = moves.filter { $0.destination == host.name }
      let leaving = moves.filter { $0.source == host.name }
      guard !arriving.isEmpty || !leaving.isEmpty else { continue }
      if let obstacle = host.obstacle, obstacle.kind == .absolute {
        throw Flaw(.wrongState, "\(host.name) cannot take part: \(obstacle.description)")
      }
      guard !arriving.isEmpty else { continue }
      let memory = (arriving.map(\.vm.memoryKiB) + leaving.map { -$0.vm.memoryKiB }).reduce(host.usedMemoryKiB, +)
      guard memory <= host.capacity.memoryKiB else {
        throw Flaw(
          .capacity,
          "\(host.name) would need \(SizeText.kibibytes(memory)) of memory and has "
            + "\(SizeText.kibibytes(host.capacity.memoryKiB)); nothing was moved")
      }
      let cpus = (arriving.map(\.vm.vcpus) + leaving.map { -$0.vm.vcpus }).reduce(host.usedVCPUs, +)
      guard mayOverbook || cpus <= max(host.capacity.cpus, host.usedVCPUs) else {
        throw Flaw(
          .capacity,
          "\(host.name) would have \(cpus) virtual CPUs on \(host.capacity.cpus) CPUs; nothing was moved; "
            + "overbooking would allow it")
      }
    }
  }
}
