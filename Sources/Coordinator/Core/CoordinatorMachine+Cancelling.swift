import ClusterModel
import MigfraProtocol

/// Who wants an operation to end, and hears what came of it.
public struct CancelRequest: Sendable, Equatable, Codable {
  let task: TaskMessage
  let arrival: TaskArrival
}

/// Ending an operation before its own end: a state of the operation, not the deletion of its parts.
extension CoordinatorMachine {
  /// Ends the operation that was asked for by the task of this id, or that has this plan; the answer comes with its outcome.
  mutating func cancel(
    _ target: TaskID, for task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    let request = CancelRequest(task: task, arrival: arrival)
    let plan = PlanID(rawValue: target.rawValue)
    if let index = evacuations.firstIndex(where: { $0.task.id == target || $0.id == plan }) {
      let orders = evacuations[index].cancel(request)
      let metadata = ["plan-id": evacuations[index].id.rawValue, "hosts": evacuations[index].request.sourceList]
      return [
        .note(Note(.info, "an evacuation is being cancelled", metadata)),
        .publishPlan(evacuations[index].report(at: now)),
      ] + send(cancelsOf: orders) + advance(at: now)
    }
    if let index = swaps.firstIndex(where: { $0.task.id == target || $0.id == plan }) {
      let orders = swaps[index].cancel(request)
      let metadata = ["plan-id": swaps[index].id.rawValue]
      return [
        .note(Note(.info, "an exchange is being cancelled", metadata)), .publishPlan(swaps[index].report(at: now)),
      ]
        + send(cancelsOf: orders)
        + advance(at: now)
    }
    if let index = rearrangements.firstIndex(where: { $0.task.id == target || $0.id == plan }) {
      let orders = rearrangements[index].cancel(request)
      let metadata = ["plan-id": rearrangements[index].id.rawValue]
      return [
        .note(Note(.info, "a rearrangement is being cancelled", metadata)),
        .publishPlan(rearrangements[index].report(at: now)),
      ] + send(cancelsOf: orders) + advance(at: now)
    }
    return [refuseUnknown(target, for: task, to: arrival)]
  }

  /// The answer about an operation that is not under way.
  mutating func refuseUnknown(
    _ target: TaskID, for task: TaskMessage, to arrival: TaskArrival
  ) -> CoordinatorEffect {
    if ledger.answer(to: target) != nil || finishedPlans.contains(PlanID(rawValue: target.rawValue)) {
      return refuse(task, .tooLate, "it has ended", to: arrival)
    }
    return refuse(task, .notFound, "no operation of the id '\(target)' is known", to: arrival)
  }

  func send(cancelsOf orders: [(id: TaskID, host: HostName)]) -> [CoordinatorEffect] {
    orders.map { order in
      let id = TaskID(rawValue: "\(order.id)/cancel")
      return .send(TaskMessage(id: id, host: order.host, body: .cancel(order.id)), to: order.host)
    }
  }

  /// Tells everybody who wanted the operation to end how it has.
  mutating func answerCancels(
    _ requests: [CancelRequest], isCancelled: Bool, details: String
  ) -> [CoordinatorEffect] {
    requests.map { request in
      guard isCancelled else { return refuse(request.task, .tooLate, "it has ended: \(details)", to: request.arrival) }
      let result = TaskResult(
        title: .taskCancelled, id: request.task.id, scheduler: "global", status: .success, details: details)
      return answer(request.task, with: result, to: request.arrival)
    }
  }
}

extension EvacuationMachine {
  /// Begins nothing more.
  /// - Returns: the orders that are to be taken back, and the hosts whose workers have them.
  mutating func cancel(_ request: CancelRequest) -> [(id: TaskID, host: HostName)] {
    cancels.append(request)
    guard state == .draining else { return [] }
    state = .cancelling
    reason = "cancelled on request"
    endWhatWaits()
    return openCancels
  }

  /// Orders that are to be taken back, and the hosts whose workers have them: all, or after a deadline those to move in
  /// another way than is wanted since.
  var openCancels: [(id: TaskID, host: HostName)] {
    guard isClosing || isPastDeadline else { return [] }
    return migrations.compactMap { migration in
      guard let task = migration.task, isClosing || orderedType(of: migration.move.vm.uuid) != type else { return nil }
      return (task, migration.move.source)
    }
  }

  /// While it is being cancelled, or is past its deadline, nothing is tried again.
  mutating func endWhatWaits() {
    guard isClosing else { return }
    let (code, details): (ErrorCode, String) =
      state == .cancelling
      ? (.cancelled, "cancelled before it moved") : (.timeout, "not moved before the deadline")
    for uuid in migrations.filter({ !$0.isFinal && $0.task == nil }).map(\.move.vm.uuid) {
      _ = withMigration(of: uuid) { $0.giveUp(code, because: details) }
    }
  }
}

extension SwapMachine {
  /// What has not moved stays, what has moved goes home.
  /// - Returns: the orders that are to be taken back, and the hosts whose workers have them.
  mutating func cancel(_ request: CancelRequest) -> [(id: TaskID, host: HostName)] {
    cancels.append(request)
    guard cancels.count == 1 else { return [] }
    let orders = openCancels
    endWhatWaits()
    return orders
  }

  /// Orders that are to be taken back, and the hosts whose workers have them.
  var openCancels: [(id: TaskID, host: HostName)] {
    guard !cancels.isEmpty else { return [] }
    return steps.filter { !$0.isWayHome }.compactMap { step in
      step.migration.task.map { ($0, step.migration.move.source) }
    }
  }

  /// While it is being cancelled only the way home is tried again.
  mutating func endWhatWaits() {
    guard !cancels.isEmpty else { return }
    for index in steps.indices where !steps[index].isWayHome && steps[index].migration.task == nil {
      steps[index].migration.giveUp(.cancelled, because: "cancelled")
    }
    settle()
  }
}
