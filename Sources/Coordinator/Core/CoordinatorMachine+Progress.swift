import ClusterModel
import MigfraProtocol

/// What reports, answers and timers make the coordinator do.
extension CoordinatorMachine {
  mutating func update(_ report: HostReport, at now: Moment) -> [CoordinatorEffect] {
    let knownEpoch = roster[report.host]?.epoch
    guard roster.update(report) else { return [] }
    if report.presence == .online {
      absentSince[report.host] = nil
    } else if absentSince[report.host] == nil {
      absentSince[report.host] = now.uptime
    }
    var effects: [CoordinatorEffect] = []
    if swaps.contains(where: { $0.concerns(report.host) }) {
      if report.presence != .online {
        effects.append(.setTimer(.workerLost(report.host, epoch: report.epoch), after: configuration.workerPatience))
      } else if let knownEpoch, knownEpoch < report.epoch {
        effects += swaps.flatMap { $0.openOrders(of: report.host) }.map { .send($0, to: report.host) }
      }
    }
    if rearrangements.contains(where: { $0.concerns(report.host) }) {
      if report.presence != .online {
        effects.append(.setTimer(.workerLost(report.host, epoch: report.epoch), after: configuration.workerPatience))
      } else if let knownEpoch, knownEpoch < report.epoch {
        effects += rearrangements.flatMap { $0.openOrders(of: report.host) }.map { .send($0, to: report.host) }
      }
    }
    guard let index = evacuations.firstIndex(where: { $0.empties(report.host) }) else {
      return effects + advance(at: now)
    }
    if report.presence == .online {
      // A worker that lost its journal knows nothing of its tasks; one that did not takes them for repeats.
      if let knownEpoch, knownEpoch < report.epoch {
        effects += evacuations[index].openOrders(of: report.host).map { .send($0, to: report.host) }
      }
      effects += joinArrivals(on: report.host, to: index)
    } else {
      effects.append(.setTimer(.workerLost(report.host, epoch: report.epoch), after: configuration.workerPatience))
      effects.append(
        .note(Note(.warning, "the worker of a host being emptied is offline", ["host": report.host.rawValue])))
    }
    return effects + advance(at: now)
  }

  /// Machines that appeared on a host while it is being emptied are emptied too.
  private mutating func joinArrivals(on host: HostName, to index: Int) -> [CoordinatorEffect] {
    guard evacuations[index].state == .draining, !evacuations[index].isClosing else { return [] }
    var arrivals = roster[host]?.activeVMs.filter { !evacuations[index].concerns($0.uuid) } ?? []
    // Tasks name machines by name: one that took another's name joins when the other's migration has an end.
    arrivals.removeAll { arrival in
      let namesake = evacuations[index].migrations.first { other in
        other.move.source == host && other.move.vm.name == arrival.name && !other.isFinal
      }
      guard let namesake else { return false }
      let isTaken = evacuations[index].withMigration(of: namesake.move.vm.uuid) { other in
        if other.task == nil { other.fail(.notFound, details: "\(host) has another machine of this name now") }
        return !other.isFinal
      }
      return isTaken == true
    }
    guard !arrivals.isEmpty else { return [] }
    let plan = Planner.plan(evacuations[index].request, on: snapshot(), only: Set(arrivals.map(\.uuid)))
    evacuations[index].join(plan)
    return [
      .note(
        Note(
          .info, "machines that arrived join the evacuation",
          [
            "host": host.rawValue, "plan-id": evacuations[index].id.rawValue,
            "vms": arrivals.map(\.name.rawValue).joined(separator: " "),
          ]))
    ]
  }

  mutating func finish(_ result: TaskResult, from host: HostName, at now: Moment) -> [CoordinatorEffect] {
    if let newest = result.epoch {
      guard newest > configuration.epoch else {
        // Meant for an earlier incarnation: the same order of this one has an answer of its own.
        return [.note(Note(.debug, "an order of an earlier coordinator was refused", ["host": host.rawValue]))]
      }
      return [.note(Note(.warning, "a newer coordinator has replaced this one", ["host": host.rawValue]))]
        + take(result, from: host, at: now)
    }
    return take(result, from: host, at: now)
  }

  private mutating func take(_ result: TaskResult, from host: HostName, at now: Moment) -> [CoordinatorEffect] {
    // Only the host that has the order can tell what came of it.
    guard let task = result.id, let outcome = result.entries.first, hasOpenOrder(task, host) else {
      return [.note(Note(.debug, "an answer to nothing that runs", ["host": host.rawValue]))]
    }
    if let index = swaps.firstIndex(where: { $0.hasOrder(task) }) {
      return finishSwap(index, task, with: outcome, at: now)
    }
    if let index = rearrangements.firstIndex(where: { $0.hasOrder(task) }) {
      return finishStep(index, task, with: outcome, at: now)
    }
    if let index = evacuations.firstIndex(where: { $0.gangs.contains { $0.hasOrder(task) } }) {
      _ = evacuations[index].finishGangOrder(task, with: outcome)
      return advance(at: now)
    }
    guard let index = evacuations.firstIndex(where: { $0.migrations.contains { $0.task == task } }),
      let vm = evacuations[index].migrations.first(where: { $0.task == task })?.move.vm
    else { return [] }
    let plan = evacuations[index].id
    let consequence = evacuations[index].finish(task, of: vm.uuid, with: outcome, at: now)
    evacuations[index].endWhatWaits()
    var effects: [CoordinatorEffect] = []
    var metadata = ["host": host.rawValue, "vm": vm.name.rawValue, "plan-id": plan.rawValue]
    if outcome.isSuccess {
      effects += noteOrigin(of: [vm], host)
      effects.append(.note(Note(.info, "moved", metadata)))
    } else {
      metadata["cause"] = outcome.details ?? ""
      effects.append(.note(Note(.warning, "a migration failed", metadata)))
    }
    if case .retry(let pause, let generation, let elsewhere) = consequence, !evacuations[index].isClosing {
      if elsewhere { redirect(vm.uuid, in: index) }
      effects.append(.setTimer(.retry(plan, vm.uuid, generation: generation), after: pause))
    }
    effects += joinArrivals(on: host, to: index)
    effects.append(.publishPlan(evacuations[index].report(at: now)))
    return effects + advance(at: now)
  }

  private func hasOpenOrder(_ task: TaskID, _ host: HostName) -> Bool {
    evacuations.contains { $0.openOrders(of: host).contains { $0.id == task } }
      || swaps.contains { $0.openOrders(of: host).contains { $0.id == task } }
      || rearrangements.contains { $0.openOrders(of: host).contains { $0.id == task } }
  }

  /// Looks for another destination for a machine whose own was the cause of its failure.
  private mutating func redirect(_ uuid: String, in index: Int) {
    guard let migration = evacuations[index].migrations.first(where: { $0.move.vm.uuid == uuid && !$0.isFinal }) else {
      return
    }
    let plan = Planner.plan(
      evacuations[index].request, on: snapshot(), only: [uuid], excluding: [migration.move.destination])
    guard let other = plan.moves.first?.destination else { return }
    _ = evacuations[index].withMigration(of: uuid) { $0.redirect(to: other) }
  }

  mutating func update(_ progress: MigrationProgress, at now: Moment) -> [CoordinatorEffect] {
    expectEnd(by: progress, at: now)
    let begun = isWaitingForReports ? [] : startWaiting(at: now)
    guard let task = progress.task, let id = take(progress, of: task), unpublished.insert(id).inserted else {
      return begun
    }
    return begun + [.setTimer(.publish(id), after: .milliseconds(250))]
  }

  /// The operation that the progress belongs to; nil: none that is under way.
  private mutating func take(_ progress: MigrationProgress, of task: TaskID) -> PlanID? {
    if let index = evacuations.firstIndex(where: { $0.migrations.contains { $0.task == task } }) {
      evacuations[index].update(progress)
      return evacuations[index].id
    }
    if let index = rearrangements.firstIndex(where: { $0.hasOrder(task) }) {
      rearrangements[index].update(progress)
      return rearrangements[index].id
    }
    guard let index = swaps.firstIndex(where: { $0.hasOrder(task) }) else { return nil }
    swaps[index].update(progress)
    return swaps[index].id
  }

  mutating func fire(_ timer: CoordinatorTimer, at now: Moment) -> [CoordinatorEffect] {
    switch timer {
    case .retry(let plan, let uuid, let generation):
      if let index = swaps.firstIndex(where: { $0.id == plan }) {
        swaps[index].retry(uuid, generation: generation)
        return advance(at: now)
      }
      if let index = rearrangements.firstIndex(where: { $0.id == plan }) {
        rearrangements[index].retry(uuid, generation: generation)
        return advance(at: now)
      }
      guard let index = evacuations.firstIndex(where: { $0.id == plan }) else { return [] }
      _ = evacuations[index].withMigration(of: uuid) { $0.retry(generation: generation) }
      return advance(at: now)
    case .workerLost(let host, _):
      // It may have been back meanwhile: what counts is how long it has been away now.
      guard let since = absentSince[host], now.uptime - since >= configuration.workerPatience else { return [] }
      let details =
        "the worker of \(host) has been offline for \(SizeText.seconds(configuration.workerPatience.inSeconds)); "
        + "whether the machine moved is not known"
      giveUpSwaps(with: host, details: details)
      giveUpRearrangements(with: host, details: details)
      if let index = evacuations.firstIndex(where: { $0.empties(host) }) {
        evacuations[index].failAll(from: host, .noWorker, details: details)
        return send(evacuations[index].giveUpGangs(on: host)) + advance(at: now)
      }
      return advance(at: now)
    case .renewHolds(let plan, let job): return renewHolds(of: plan, job, at: now)
    case .deadline(let plan): return passDeadline(of: plan, at: now)
    case .settle: return advance(at: now)
    case .linkFree: return linkIsFree(at: now)
    case .strays: return []
    case .publish(let plan):
      unpublished.remove(plan)
      return report(on: plan, at: now).map { [.publishPlan($0)] } ?? []
    }
  }

  /// What is told of an operation under way.
  private func report(on plan: PlanID, at now: Moment) -> PlanReport? {
    evacuations.first { $0.id == plan }?.report(at: now) ?? swaps.first { $0.id == plan }?.report(at: now)
      ?? rearrangements.first { $0.id == plan }?.report(at: now)
  }

  /// Starts what may start and ends what is over.
  mutating func advance(at now: Moment) -> [CoordinatorEffect] {
    guard !isWaitingForReports else { return [] }
    var effects = advanceSwaps(at: now) + advanceRearrangements(at: now)
    var hasChanged: Bool
    repeat {
      // What is started may end what a gang waits for, and the end of a gang lets others begin.
      hasChanged = false
      effects += startWaiting(at: now) + advanceGangs(&hasChanged, at: now)
    } while hasChanged
    for evacuation in evacuations { effects += settle(evacuation.id, at: now) }
    return effects
  }

  private mutating func settle(_ id: PlanID, at now: Moment) -> [CoordinatorEffect] {
    guard let index = evacuations.firstIndex(where: { $0.id == id }) else { return [] }
    var expected: [HostName: [VMName]] = [:]
    if evacuations[index].migrations.allSatisfy(\.isFinal) {
      // What is on its way here will have to leave again.
      let incoming = evacuations.flatMap(\.migrations).filter { evacuations[index].empties($0.move.destination) }
      if incoming.contains(where: { $0.task != nil }) { return [] }
      for migration in incoming
      where migration.isMoved && !evacuations[index].concerns(migration.move.vm.uuid)
        && !roster.shows(migration.move.vm.uuid, activeAwayFrom: migration.move.source)
      {
        expected[migration.move.destination, default: []].append(migration.move.vm.name)
      }
    }
    switch evacuations[index].settle(with: roster, expecting: expected, at: now) {
    case .moving, .waitingForReports(isNew: false): return []
    case .waitingForReports(isNew: true): return [.setTimer(.settle(id), after: EvacuationMachine.settlingPatience)]
    case .over: break
    }
    let ended = evacuations.remove(at: index)
    let metadata = [
      "hosts": ended.request.sourceList, "plan-id": id.rawValue, "state": ended.state.rawValue, "reason": ended.reason,
    ]
    var effects: [CoordinatorEffect] = [
      .note(Note(ended.state == .drained ? .info : .warning, "evacuation ends", metadata))
    ]
    effects += noteOrigins(of: ended)
    for source in ended.request.sources {
      // Whoever takes the wish back wants the hosts to be used.
      let state: NodeReport.State =
        ended.state == .cancelled ? .active : ended.emptied.contains(source) ? .drained : .partial
      effects.append(set(source, to: state, because: "plan \(id): \(ended.reason)"))
    }
    effects += [.publishPlan(ended.report(at: now))] + keep(id)
    effects.append(answer(ended.task, with: ended.answer(with: roster, at: now), to: ended.arrival))
    return effects + answerCancels(ended.cancels, isCancelled: ended.state == .cancelled, details: ended.reason)
  }

  /// A node's state outlives the coordinator, except that nobody empties it any more.
  mutating func recall(_ report: NodeReport) -> [CoordinatorEffect] {
    guard nodes[report.host] == nil, report.state != .active else { return [] }
    let isContinued =
      evacuations.contains { $0.empties(report.host) } || rearrangements.contains { $0.subject.host == report.host }
    guard report.state == .draining || report.state == .restoring, !isContinued else {
      nodes[report.host] = report
      return []
    }
    return [
      set(report.host, to: .partial, because: "the coordinator was restarted while it was \(report.state.rawValue)")
    ]
  }

  /// A plan of an earlier incarnation that was under way is not continued, and says so.
  mutating func recall(_ report: PlanReport, at now: Moment) -> [CoordinatorEffect] {
    let isUnderWay = self.report(on: report.id, at: now) != nil
    guard !isUnderWay, !finishedPlans.contains(report.id) else { return [] }
    var effects = keep(report.id)
    if !report.state.isFinal {
      var ended = report
      ended.state = .partial
      ended.reason = "the coordinator was restarted; migrations that had begun were finished by their workers"
      ended.remainingSeconds = nil
      effects.append(.publishPlan(ended))
    }
    return effects
  }
}
