public import ClusterModel
public import MigfraProtocol

/// What survives the coordinator: operations under way, and the answers that were given.
extension CoordinatorMachine {
  /// A task that was answered before this incarnation: a repeat of it gets the same answer.
  public mutating func recall(_ task: TaskMessage, answeredWith result: TaskResult) {
    if ledger.receive(task) == .new { ledger.finish(task.id, with: result) }
  }

  /// Goes on with an operation of an earlier incarnation. Comes before everything but `recall`.
  ///
  /// Workers get the open orders again: they know them by their ids, and answer what was done meanwhile.
  /// - Parameter isAnswered: the answer is on disk, and the operation was about to be dropped.
  public mutating func restore(_ saved: SavedOperation, isAnswered: Bool, at now: Moment) -> [CoordinatorEffect] {
    signed(goOn(with: saved, isAnswered: isAnswered, at: now))
  }

  /// Orders are given in this incarnation's name, whichever has drawn them up.
  private func signed(_ effects: [CoordinatorEffect]) -> [CoordinatorEffect] {
    effects.map { effect in
      guard case .send(var order, let host) = effect else { return effect }
      order.epoch = configuration.epoch
      return .send(order, to: host)
    }
  }

  private mutating func goOn(
    with saved: SavedOperation, isAnswered: Bool, at now: Moment
  ) -> [CoordinatorEffect] {
    if case .draft(let draft) = saved.operation {
      savedRevisions[draft.id] = draft.revision
      drafts.append(draft)
      return []
    }
    guard !isAnswered else { return [.drop(saved.operation.id)] }
    isWaitingForReports = true
    savedRevisions[saved.operation.id] = 0
    let shift = saved.shift(to: now)
    switch saved.operation {
    case .evacuation(var evacuation):
      evacuation.shift(by: shift)
      evacuations.append(evacuation)
      turns = max(turns, evacuation.lastTurn)
      for task in [evacuation.task] + evacuation.cancels.map(\.task) { _ = ledger.receive(task) }
      let sources = evacuation.request.sources
      // The last incarnation may have been killed before it said so.
      var effects = sources.map { set($0, to: .draining, because: "plan \(evacuation.id)") }
      effects += takeUp(evacuation.id, evacuation.migrations, with: sources, at: now)
      for source in sources { effects += evacuation.openOrders(of: source).map { .send($0, to: source) } }
      effects += send(cancelsOf: evacuation.openCancels)
      for gang in evacuation.gangs where gang.isActive {
        effects.append(.setTimer(.renewHolds(evacuation.id, gang.job), after: .seconds(1)))
      }
      if evacuation.settlingSince != nil {
        effects.append(.setTimer(.settle(evacuation.id), after: EvacuationMachine.settlingPatience))
      }
      let moved = evacuation.migrations.filter(\.isMoved).map(\.move)
      for source in sources { effects += noteOrigin(of: moved.filter { $0.source == source }.map(\.vm), source) }
      if let left = evacuation.timeLeft(at: now) { effects.append(.setTimer(.deadline(evacuation.id), after: left)) }
      return effects + [.publishPlan(evacuation.report(at: now))]
    case .rearrangement(var rearrangement):
      rearrangement.shift(by: shift)
      rearrangements.append(rearrangement)
      for task in [rearrangement.task] + rearrangement.cancels.map(\.task) { _ = ledger.receive(task) }
      let hosts = rearrangement.hosts
      var effects: [CoordinatorEffect] = []
      if let host = rearrangement.subject.host {
        effects.append(set(host, to: .restoring, because: "plan \(rearrangement.id)"))
      }
      effects += takeUp(rearrangement.id, rearrangement.steps.map(\.migration), with: hosts, at: now)
      effects += hosts.flatMap { host in rearrangement.openOrders(of: host).map { .send($0, to: host) } }
      effects += send(cancelsOf: rearrangement.openCancels)
      if rearrangement.settlingSince != nil {
        effects.append(.setTimer(.settle(rearrangement.id), after: EvacuationMachine.settlingPatience))
      }
      return effects + [.publishPlan(rearrangement.report(at: now))]
    case .draft: return []
    case .exchange(var exchange):
      exchange.shift(by: shift)
      swaps.append(exchange)
      for task in [exchange.task] + exchange.cancels.map(\.task) { _ = ledger.receive(task) }
      let hosts = exchange.ways.map(\.source).sorted()
      return takeUp(exchange.id, exchange.steps.map(\.migration), with: hosts, at: now)
        + hosts.flatMap { host in exchange.openOrders(of: host).map { .send($0, to: host) } }
        + send(cancelsOf: exchange.openCancels)
    }
  }

  private mutating func takeUp(
    _ plan: PlanID, _ migrations: [MigrationMachine], with hosts: [HostName], at now: Moment
  ) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    for host in hosts {
      // Until its worker has reported, it counts as away.
      if absentSince[host] == nil { absentSince[host] = now.uptime }
      effects.append(.setTimer(.workerLost(host, epoch: 0), after: configuration.workerPatience))
    }
    for migration in migrations {
      guard case .retrying(let generation) = migration.state else { continue }
      let pause = MigrationMachine.pause(beforeAttempt: generation)
      effects.append(.setTimer(.retry(plan, migration.move.vm.uuid, generation: generation), after: pause))
    }
    let metadata = ["plan-id": plan.rawValue, "hosts": hosts.map(\.rawValue).joined(separator: " ")]
    return [.note(Note(.warning, "going on with an operation of the last run", metadata))] + effects
  }

  /// What has changed since the last time: on disk before anything is done about it. What has ended goes at last, after its
  /// answer.
  mutating func keepingChanges(
    around effects: [CoordinatorEffect], at now: Moment
  ) -> [CoordinatorEffect] {
    let operations =
      evacuations.map(KeptOperation.evacuation) + swaps.map(KeptOperation.exchange)
      + rearrangements.map(KeptOperation.rearrangement) + drafts.map(KeptOperation.draft)
    var saves: [SavedOperation] = []
    var ended = savedRevisions
    for operation in operations {
      ended[operation.id] = nil
      guard savedRevisions[operation.id] != operation.revision else { continue }
      savedRevisions[operation.id] = operation.revision
      saves.append(SavedOperation(operation, at: now))
    }
    for id in ended.keys { savedRevisions[id] = nil }
    return (saves.isEmpty ? [] : [.save(saves)]) + signed(effects) + ended.keys.sorted().map { .drop($0) }
  }
}
