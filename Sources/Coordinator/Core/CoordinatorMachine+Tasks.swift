import ClusterModel
import MigfraProtocol

/// What a task makes the coordinator do.
extension CoordinatorMachine {
  mutating func receive(_ task: TaskMessage, from arrival: TaskArrival, at now: Moment) -> [CoordinatorEffect] {
    switch ledger.receive(task) {
    case .new: break
    case .running:
      return [.note(Note(.info, "a repeated task is already being worked on", task.metadata)), .forget(arrival)]
    case .answered(let result): return [.answer(result, to: arrival)]
    case .conflicting:
      return [
        .answer(
          .refusal(
            of: task, scheduler: "global", code: .duplicateID,
            details: "the id '\(task.id?.rawValue ?? "")' was used for another task"), to: arrival)
      ]
    }
    var effects = task.warnings.map {
      CoordinatorEffect.note(Note(.warning, "a task has a key without meaning", ["warning": $0]))
    }
    if let refusal = refusal(of: task, at: now) {
      effects.append(.note(Note(.warning, "a task was refused", task.metadata.merging(["cause": refusal.1]) { $1 })))
      effects.append(refuse(task, refusal.0, refusal.1, to: arrival))
      return effects
    }
    if case .cancel(let target) = task.body { return effects + cancel(target, for: task, from: arrival, at: now) }
    guard let host = task.host else { return effects }
    switch task.body {
    case .evacuate(let evacuation): effects += evacuate(host, evacuation, task: task, from: arrival, at: now)
    case .migrate(let wish):
      if let partner = wish.partner {
        effects += swap(wish, with: partner, on: host, task: task, from: arrival, at: now)
      }
    case .cordon(let reason): effects += cordon(host, reason: reason, task: task, from: arrival)
    case .uncordon: effects += uncordon(host, task: task, from: arrival)
    default: break
    }
    return effects
  }

  /// Why the task cannot be taken at all.
  private func refusal(of task: TaskMessage, at now: Moment) -> (ErrorCode, String)? {
    if let notAfter = task.notAfter, now.unixTime > notAfter {
      return (.expired, "expired \(SizeText.seconds(now.unixTime - notAfter)) ago")
    }
    switch task.body {
    case .evacuate, .cordon, .uncordon: break
    case .cancel: return nil
    case .migrate(let migration) where migration.partner != nil: break
    default:
      return (.unsupported, "the coordinator does not take '\(task.kind.rawValue)'; send it to fast/migfra/<host>/task")
    }
    guard let host = task.host else { return (.invalidMessage, "host: required, says which host is meant") }
    guard roster[host] != nil else {
      return (.noWorker, "unknown host '\(host)': no worker of that name has ever reported; see 'migfra hosts'")
    }
    return nil
  }

  mutating func refuse(
    _ task: TaskMessage, _ code: ErrorCode, _ details: String, to arrival: TaskArrival
  ) -> CoordinatorEffect {
    answer(task, with: .refusal(of: task, scheduler: "global", code: code, details: details), to: arrival)
  }

  private mutating func evacuate(
    _ host: HostName, _ evacuation: NodeEvacuation, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    if !roster.isOnline(host) {
      return [refuse(task, .noWorker, "the worker of \(host) is offline: start migfra-worker there", to: arrival)]
    }
    if let running = evacuations.first(where: { $0.request.source == host }), !evacuation.isDryRun {
      return [
        refuse(task, .wrongState, "\(host) is already being emptied by plan \(running.id)", to: arrival)
      ]
    }
    if let running = swaps.first(where: { $0.concerns(host) }), !evacuation.isDryRun {
      return [
        refuse(
          task, .wrongState, "\(host) takes part in the exchange \(running.id); try again when it has ended",
          to: arrival)
      ]
    }
    let request = EvacuationRequest(
      source: host, destinations: evacuation.destinations, mode: evacuation.mode ?? configuration.mode,
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
            "host": host.rawValue, "plan-id": machine.id.rawValue, "moves": "\(plan.moves.count)",
            "unplaced": "\(plan.unplaced.count)",
          ])),
      set(host, to: .draining, because: "plan \(machine.id)"),
      .publishPlan(machine.report(at: now)),
    ]
    effects += advance(at: now)
    return effects
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
          ["host": machine.request.source.rawValue, "plan-id": machine.id.rawValue])),
      .publishPlan(report),
    ] + keep(machine.id) + [answer(machine.task, with: result, to: machine.arrival)]
  }

  private mutating func cordon(
    _ host: HostName, reason: String, task: TaskMessage, from arrival: TaskArrival
  ) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    let state = nodes[host]?.state ?? .active
    if state == .active { effects.append(set(host, to: .cordoned, because: reason)) }
    let details = state == .active ? "\(host) takes no arrivals" : "\(host) is \(state.rawValue) already"
    effects.append(
      answer(
        task,
        with: TaskResult(title: .nodeCordoned, id: task.id, scheduler: "global", status: .success, details: details),
        to: arrival))
    return effects
  }

  private mutating func uncordon(_ host: HostName, task: TaskMessage, from arrival: TaskArrival) -> [CoordinatorEffect]
  {
    if let running = evacuations.first(where: { $0.request.source == host }) {
      return [refuse(task, .wrongState, "\(host) is being emptied by plan \(running.id)", to: arrival)]
    }
    return [
      set(host, to: .active, because: "uncordoned"),
      answer(
        task,
        with: TaskResult(
          title: .nodeUncordoned, id: task.id, scheduler: "global", status: .success, details: "\(host) takes arrivals"),
        to: arrival),
    ]
  }

  /// Remembers a finished plan, and lets the oldest go.
  mutating func keep(_ plan: PlanID) -> [CoordinatorEffect] {
    finishedPlans.append(plan)
    guard finishedPlans.count > configuration.keptPlans else { return [] }
    return [.forgetPlan(finishedPlans.removeFirst())]
  }
}

extension TaskMessage {
  /// For log lines.
  var metadata: [String: String] {
    var metadata = ["task": kind.rawValue]
    if let id { metadata["task-id"] = id.rawValue }
    if let host { metadata["host"] = host.rawValue }
    return metadata
  }
}
