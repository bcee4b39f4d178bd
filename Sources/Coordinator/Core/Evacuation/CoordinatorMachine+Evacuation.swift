import ClusterModel
import MigfraProtocol

/// Evacuations as they are asked for: planned first, begun only if the plan is wanted as it is.
extension CoordinatorMachine {
  /// Begins to empty hosts, or says why that cannot be.
  mutating func evacuate(
    _ hosts: [HostName], _ evacuation: NodeEvacuation, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    for host in hosts {
      if let obstacle = obstacle(toEmptying: host, isDryRun: evacuation.isDryRun) {
        return [refuse(task, obstacle.code, obstacle.details, to: arrival)]
      }
    }
    let mayOverbook = evacuation.overbooking ?? configuration.overbooking
    if evacuation.cpuRatio != nil, !mayOverbook {
      return [refuse(task, .invalidMessage, "cpu-ratio: without overbooking it means nothing", to: arrival)]
    }
    let request = EvacuationRequest(
      sources: hosts, destinations: evacuation.destinations, mode: evacuation.mode ?? configuration.mode,
      overbooking: mayOverbook, cpuRatio: evacuation.cpuRatio, bestEffort: evacuation.bestEffort ?? true,
      migrationType: evacuation.migrationType ?? configuration.migrationType,
      retries: evacuation.retries ?? configuration.retries)
    let plan = Planner.plan(request, on: snapshot())
    let machine = EvacuationMachine(
      id: nextPlan(), task: task, request: request, plan: plan, arrival: arrival, at: now)
    if evacuation.isDryRun { return publishDryRun(machine, plan, at: now) }
    if !plan.unplaced.isEmpty, plan.moves.isEmpty || !request.bestEffort {
      return refuseInfeasible(machine, plan, at: now)
    }
    return begin(machine, at: now)
  }

  private mutating func begin(_ machine: EvacuationMachine, at now: Moment) -> [CoordinatorEffect] {
    evacuations.append(machine)
    let request = machine.request
    var effects: [CoordinatorEffect] = [
      .note(
        Note(
          .info, "evacuation begins",
          [
            "hosts": request.sourceList, "plan-id": machine.id.rawValue, "moves": "\(machine.migrations.count)",
            "unplaced": "\(machine.unplaced.count)",
          ]))
    ]
    for host in request.sources {
      // In service since it was emptied last: that is an old story.
      let state = nodes[host]?.state ?? .active
      if state != .drained && state != .partial { effects += forgetOrigins(on: host) }
    }
    if let left = machine.timeLeft(at: now) { effects.append(.setTimer(.deadline(machine.id), after: left)) }
    effects += request.sources.map { set($0, to: .draining, because: "plan \(machine.id)") }
    effects.append(.publishPlan(machine.report(at: now)))
    return effects + advance(at: now)
  }

  private func obstacle(toEmptying host: HostName, isDryRun: Bool) -> (code: ErrorCode, details: String)? {
    if !roster.isOnline(host) {
      return (.noWorker, "the worker of \(host) is offline: start migfra-worker there")
    }
    guard !isDryRun else { return nil }
    if let running = evacuations.first(where: { $0.empties(host) }) {
      return (.wrongState, "\(host) is already being emptied by plan \(running.id)")
    }
    if let running = swaps.first(where: { $0.concerns(host) })?.id
      ?? rearrangements.first(where: { $0.concerns(host) })?.id
    {
      return (.wrongState, "\(host) takes part in the operation \(running); try again when it has ended")
    }
    return nil
  }

  private mutating func publishDryRun(
    _ machine: EvacuationMachine, _ plan: Plan, at now: Moment
  ) -> [CoordinatorEffect] {
    var report = machine.report(at: now)
    report.state = .planned
    let entries =
      plan.moves.map { VMOutcome(vm: $0.vm.name, details: "would move to \($0.destination)") }
      + plan.unplaced.map { VMOutcome(vm: $0.vm.name, failure: .capacity, details: $0.details) }
    let result = TaskResult(
      title: .nodeEvacuated, id: machine.task.id, scheduler: "global", entries: entries,
      status: plan.unplaced.isEmpty ? .success : .infeasible, details: "dry run: \(report.reason)", plan: machine.id)
    drafts.append(machine)
    return [.publishPlan(report)] + keep(machine.id) + [answer(machine.task, with: result, to: machine.arrival)]
  }

  /// Carries out a dry run, if the same would be planned now.
  mutating func apply(
    _ id: PlanID, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    guard let number = drafts.firstIndex(where: { $0.id == id }) else {
      let details = "no dry run '\(id)' is known, or it is an old one: plan anew"
      return [refuse(task, .notFound, details, to: arrival)]
    }
    let draft = drafts[number]
    for host in draft.request.sources {
      if let obstacle = obstacle(toEmptying: host, isDryRun: false) {
        return [refuse(task, obstacle.code, obstacle.details, to: arrival)]
      }
    }
    let plan = Planner.plan(draft.request, on: snapshot())
    if let change = draft.change(to: plan) {
      let details = "the cluster has changed since \(id) was planned: \(change); plan anew"
      return [refuse(task, .wrongState, details, to: arrival)]
    }
    let machine = EvacuationMachine(applying: draft, plan: plan, for: task, arrival: arrival, at: now)
    if !plan.unplaced.isEmpty, plan.moves.isEmpty || !draft.request.bestEffort {
      return refuseInfeasible(machine, plan, at: now)
    }
    drafts.remove(at: number)
    finishedPlans.removeAll { $0 == id }
    // The row of the dry run becomes that of the operation.
    savedRevisions[id] = nil
    return begin(machine, at: now)
  }

  private mutating func refuseInfeasible(
    _ machine: EvacuationMachine, _ plan: Plan, at now: Moment
  ) -> [CoordinatorEffect] {
    var report = machine.report(at: now)
    report.state = .failed
    report.reason =
      "\(plan.unplaced.count) of \(plan.unplaced.count + plan.moves.count) have no place; nothing was moved"
    let result = TaskResult(
      title: .nodeEvacuated, id: machine.task.id, scheduler: "global",
      entries: plan.unplaced.map { VMOutcome(vm: $0.vm.name, failure: .capacity, details: $0.details) }
        + plan.moves.map {
          VMOutcome(vm: $0.vm.name, failure: .capacity, details: "not moved, because others have no place")
        },
      status: .infeasible, details: report.reason, code: .capacity, plan: machine.id)
    return [
      .note(
        Note(
          .warning, "evacuation is not feasible",
          ["hosts": machine.request.sourceList, "plan-id": machine.id.rawValue])),
      .publishPlan(report),
    ] + keep(machine.id) + [answer(machine.task, with: result, to: machine.arrival)]
  }
}

extension EvacuationMachine {
  /// What another plan for the same request does differently; nil: nothing.
  fileprivate func change(to plan: Plan) -> String? {
    let before = Dictionary(migrations.map { ($0.move.vm.uuid, $0.move) }) { first, _ in first }
    for move in plan.moves {
      guard let known = before[move.vm.uuid] else { return "\(move.vm.name) would move, too" }
      if known.destination != move.destination || known.source != move.source {
        return "\(move.vm.name) would move to \(move.destination), not to \(known.destination)"
      }
    }
    let moving = Set(plan.moves.map(\.vm.uuid))
    if let gone = migrations.first(where: { !moving.contains($0.move.vm.uuid) }) {
      return "\(gone.move.vm.name) would not move"
    }
    let stuck = Set(plan.unplaced.map(\.vm.uuid))
    return stuck == Set(unplaced.map(\.vm.uuid)) ? nil : "others have no place"
  }
}
