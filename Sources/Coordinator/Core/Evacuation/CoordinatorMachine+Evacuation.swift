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
    let request = EvacuationRequest(
      sources: hosts, destinations: evacuation.destinations, mode: evacuation.mode ?? configuration.mode,
      overbooking: evacuation.overbooking ?? configuration.overbooking, bestEffort: evacuation.bestEffort ?? true,
      migrationType: evacuation.migrationType ?? configuration.migrationType,
      retries: evacuation.retries ?? configuration.retries)
    let plan = Planner.plan(request, on: snapshot())
    let machine = EvacuationMachine(
      id: nextPlan(), task: task, request: request, plan: plan, arrival: arrival, at: now)
    if evacuation.isDryRun { return publishDryRun(machine, plan, at: now) }
    if !plan.unplaced.isEmpty, plan.moves.isEmpty || !request.bestEffort {
      return refuseInfeasible(machine, plan, at: now)
    }
    evacuations.append(machine)
    var effects: [CoordinatorEffect] = [
      .note(
        Note(
          .info, "evacuation begins",
          [
            "hosts": request.sourceList, "plan-id": machine.id.rawValue, "moves": "\(plan.moves.count)",
            "unplaced": "\(plan.unplaced.count)",
          ]))
    ]
    effects += hosts.map { set($0, to: .draining, because: "plan \(machine.id)") }
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
    if let running = swaps.first(where: { $0.concerns(host) }) {
      return (.wrongState, "\(host) takes part in the exchange \(running.id); try again when it has ended")
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
    return [.publishPlan(report)] + keep(machine.id) + [answer(machine.task, with: result, to: machine.arrival)]
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
