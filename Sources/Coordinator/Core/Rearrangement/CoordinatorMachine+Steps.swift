import ClusterModel
import MigfraProtocol

/// How rearrangements go on.
extension CoordinatorMachine {
  mutating func finishStep(
    _ index: Int, _ task: TaskID, with outcome: VMOutcome, at now: Moment
  ) -> [CoordinatorEffect] {
    let plan = rearrangements[index].id
    guard let (vm, consequence) = rearrangements[index].finish(task, with: outcome, at: now) else { return [] }
    var effects: [CoordinatorEffect] = []
    if !outcome.isSuccess {
      let metadata = ["vm": vm.name.rawValue, "plan-id": plan.rawValue, "cause": outcome.details ?? ""]
      effects.append(.note(Note(.warning, "a step of a rearrangement failed", metadata)))
    }
    if case .retry(let pause, let generation, _) = consequence {
      effects.append(.setTimer(.retry(plan, vm.uuid, generation: generation), after: pause))
    }
    effects.append(.publishPlan(rearrangements[index].report(at: now)))
    return effects + advance(at: now)
  }

  /// Begins the steps that may begin, and ends what is over.
  mutating func advanceRearrangements(at now: Moment) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    for index in rearrangements.indices { effects += beginSteps(of: index, at: now) }
    for id in rearrangements.map(\.id) { effects += settleRearrangement(id, at: now) }
    return effects
  }

  private mutating func beginSteps(of index: Int, at now: Moment) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    var slots = takenSlots(at: now)
    var hindered: (step: Int, details: String)?
    for step in rearrangements[index].ready {
      let (move, stage) = (rearrangements[index].steps[step].migration.move, rearrangements[index].steps[step].stage)
      let flow = flow(move, rearrangements[index].way.tuning.bandwidth)
      guard roster.isOnline(move.source), slots.hasOutgoingSlot(move.source, isLinkKnown: flow.sourceRate != nil) else {
        continue
      }
      let mayOverbook = rearrangements[index].mayOverbook ?? configuration.overbooking
      if stage == .goHome {
        if let hindrance = hindrance(to: move.reversed, isNamed: true, mayOverbook: true) {
          guard self.hindrance(to: move, isNamed: true, mayOverbook: true) == nil else {
            hindered = hindered ?? (step, "\(move.source) cannot take it back now: \(hindrance)")
            continue
          }
          rearrangements[index].restoreInstead(step)
        }
      } else if let arrival = rearrangements[index].steps[step].arrival {
        guard slots.admits(flow) else { continue }
        if let hindrance = hindrance(to: move, isNamed: true, mayOverbook: mayOverbook) {
          hindered = hindered ?? (step, "\(arrival) cannot receive now: \(hindrance)")
          continue
        }
      }
      let order = rearrangements[index].start(step, patience: configuration.workerPatience, at: now)
      slots.take(flow, isCopied: stage != nil)
      effects.append(.send(order.message, to: order.host))
    }
    let isAtWork = rearrangements[index].steps.contains { $0.migration.task != nil || $0.migration.isRetrying }
    if let hindered, !isAtWork {
      // Nothing of its own will make the room.
      let (plan, uuid) = (rearrangements[index].id, rearrangements[index].steps[hindered.step].migration.move.vm.uuid)
      let consequence = rearrangements[index].postpone(hindered.step, details: hindered.details)
      let metadata = ["plan-id": plan.rawValue, "cause": hindered.details]
      effects.append(.note(Note(.warning, "a migration could not begin", metadata)))
      if case .retry(let pause, let generation, _) = consequence {
        effects.append(.setTimer(.retry(plan, uuid, generation: generation), after: pause))
      } else {
        effects += beginSteps(of: index, at: now)
      }
    }
    let id = rearrangements[index].id
    if !effects.isEmpty, unpublished.insert(id).inserted {
      effects.append(.setTimer(.publish(id), after: .milliseconds(50)))
    }
    return effects
  }

  private mutating func settleRearrangement(_ id: PlanID, at now: Moment) -> [CoordinatorEffect] {
    guard let index = rearrangements.firstIndex(where: { $0.id == id }) else { return [] }
    switch rearrangements[index].settle(with: roster, at: now) {
    case .moving, .waitingForReports(isNew: false): return []
    case .waitingForReports(isNew: true): return [.setTimer(.settle(id), after: EvacuationMachine.settlingPatience)]
    case .over: break
    }
    let ended = rearrangements.remove(at: index)
    let metadata = ["plan-id": id.rawValue, "state": ended.state.rawValue, "reason": ended.reason]
    var effects: [CoordinatorEffect] = [
      .note(Note(ended.state == .done ? .info : .warning, "a rearrangement ends", metadata))
    ]
    if case .restore(let host, let before) = ended.subject {
      // It is in service again as soon as anything came back; nobody wants that who takes the wish back.
      let isBack = ended.state == .done || ended.state == .partial
      let isSeenEmpty = roster[host]?.vms.allSatisfy { !$0.state.isActive && $0.state != .arriving } ?? false
      let isEmpty = isSeenEmpty && !ended.fates.contains { $0.place == host || $0.isUnclear }
      let otherwise = before == .drained && !isEmpty ? .partial : before
      effects.append(set(host, to: isBack ? .active : otherwise, because: "plan \(id): \(ended.reason)"))
      effects += forgetOrigins(of: ended.fates.filter { $0.isThere && $0.wanted == host }.map(\.vm.uuid))
    }
    effects += [.publishPlan(ended.report(at: now))] + keep(id)
    effects.append(answer(ended.task, with: ended.answer(with: roster, at: now), to: ended.arrival))
    return effects
      + answerCancels(ended.cancels, isCancelled: ended.state == .cancelled, details: ended.reason)
  }

  /// Rearrangements with a host whose worker has been away for too long.
  mutating func giveUpRearrangements(with host: HostName, details: String) {
    for index in rearrangements.indices where rearrangements[index].concerns(host) {
      rearrangements[index].giveUp(host, details: details)
    }
  }
}

extension Plan.Move {
  /// The way back.
  var reversed: Plan.Move { Plan.Move(vm: vm, source: destination, destination: source) }
}

extension RearrangementMachine {
  var mayOverbook: Bool? {
    switch task.body {
    case .restore(let restore): restore.way.overbooking
    case .rearrange(let wish): wish.way.overbooking
    default: nil
    }
  }
}
