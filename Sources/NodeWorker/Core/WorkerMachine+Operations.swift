import ClusterModel
import MigfraProtocol

/// What becomes of a task's operations.
extension WorkerMachine {
  /// Begins a task's operations.
  mutating func begin(
    _ operations: [Operation], for task: TaskMessage, _ arrival: TaskArrival, retries: Int = 0, at now: Moment
  ) -> [WorkerEffect] {
    tasks[arrival.sequence] = TaskInProgress(arrival, task, entries: operations.count, at: now)
    for (index, operation) in operations.enumerated() {
      operationCount += 1
      let id = OperationID(operationCount)
      self.operations[id] = OperationInProgress(
        operation: operation, sequence: arrival.sequence, index: index, allowedRetries: retries, began: now.uptime)
      queue.enqueue(id, operation)
    }
    return startReady(at: now)
  }

  mutating func startReady(at now: Moment) -> [WorkerEffect] {
    guard isHypervisorKnown else { return [] }
    return queue.dequeue().flatMap { attempt($0, at: now) }
  }

  /// Begins an operation that has its turn, or tries it again.
  mutating func attempt(_ id: OperationID, at now: Moment) -> [WorkerEffect] {
    guard let operation = operations[id] else { return [] }
    switch operation.operation {
    case .hold(let hold): return self.hold(hold, id, at: now)
    case .release(let release): return self.release(release, id, at: now)
    default: break
    }
    // An order that came too late only looks where the machine is.
    guard let (order, _) = operation.operation.hookedOrder, order.mayBegin || jobs[order.vm] != nil else {
      return perform(id)
    }
    if let job = jobs[order.vm] { return take(job, of: order.vm, for: id, at: now) }
    // A machine that is saved has nobody who could be asked; what the stage before has closed was in `jobs`.
    if order.tuning.offlineStage == .restore || order.tuning.offlineStage == .goHome { return perform(id) }
    guard areProcessesKnown else {
      operations[id]?.stage = .learning
      return []
    }
    operations[id]?.stage = .examining
    return [.perform(id, .examine(order))]
  }

  mutating func perform(_ id: OperationID) -> [WorkerEffect] {
    guard let operation = operations[id]?.operation else { return [] }
    operations[id]?.stage = .performing
    return [.perform(id, operation)]
  }

  mutating func operationFinished(
    _ id: OperationID, _ outcome: OperationOutcome, at now: Moment
  ) -> [WorkerEffect] {
    guard let operation = operations[id] else { return [] }
    switch (operation.stage, outcome) {
    case (.examining, .ready):
      return operation.isCancelled
        ? end(id, Self.cancelled(before: "its job was disturbed"), at: now) : close(id, at: now)
    case (.examining, .failure(_, let cause, mayPass: true, _)),
      (.performing, .failure(_, let cause, mayPass: true, _)):
      guard operation.retries < operation.allowedRetries, !operation.isCancelled else { break }
      return pause(id, because: cause)
    case (.examining, _), (.performing, _): break
    default: return []
    }
    if operation.isCancelled, case .failure(.expired, _, _, _) = outcome {
      return end(id, Self.cancelled(before: "it began"), at: now)
    }
    return end(id, outcome, at: now)
  }

  /// Its place in the queue is kept, so that no later task for the machine overtakes it.
  private mutating func pause(_ id: OperationID, because cause: String) -> [WorkerEffect] {
    guard var operation = operations[id] else { return [] }
    operation.retries += 1
    operation.stage = .pausing
    operations[id] = operation
    let metadata = ["vm": operation.operation.vm?.rawValue ?? "", "cause": cause, "retry": "\(operation.retries)"]
    return [
      .note(Note(.warning, "an operation failed and is tried again", metadata)),
      .setTimer(.retry(id), after: operation.pause),
    ]
  }

  /// The operation is over; a job that was closed for it is opened before that is told.
  mutating func end(_ id: OperationID, _ outcome: OperationOutcome, at now: Moment) -> [WorkerEffect] {
    guard let operation = operations[id] else { return [] }
    let isKept = operation.operation.keepsJobClosed && outcome.isSuccess
    if let (vm, _) = operation.operation.closing, let job = jobs[vm], !job.isHeld, !isKept {
      return open(vm, then: .finish(id, outcome), at: now)
    }
    return conclude(id, outcome, at: now)
  }

  /// Writes the outcome into its task, which is answered when it was the last.
  mutating func conclude(_ id: OperationID, _ outcome: OperationOutcome, at now: Moment) -> [WorkerEffect] {
    guard let operation = operations.removeValue(forKey: id) else { return [] }
    queue.finish(id)
    var effects: [WorkerEffect] = []
    let entry = self.outcome(of: operation, outcome, at: now)
    if tasks[operation.sequence]?.set(entry, at: operation.index) == true,
      let done = tasks.removeValue(forKey: operation.sequence)
    {
      let result = done.result(host: configuration.host)
      effects.append(answer(done.arrival, with: result))
      effects += answerCancels(of: operation.sequence, with: result)
    }
    return effects + startReady(at: now) + quitIfIdle()
  }

  private func outcome(
    of operation: OperationInProgress, _ outcome: OperationOutcome, at now: Moment
  ) -> VMOutcome {
    let overall = TimeMeasurement("overall", seconds: (now.uptime - operation.began).inSeconds)
    let measures = tasks[operation.sequence]?.task.measuresTime == true
    func times(_ own: [TimeMeasurement]) -> [TimeMeasurement] {
      guard measures else { return [] }
      let before = operation.times.filter { !$0.tag.hasPrefix("pscom-resume") }
      return [overall] + before + own + operation.times.filter { $0.tag.hasPrefix("pscom-resume") }
    }
    func told(_ details: String?) -> String? {
      let parts = [details].compactMap { $0 } + operation.remarks
      return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
    switch outcome {
    case .ready:
      return VMOutcome(vm: operation.operation.vm ?? "unknown", times: times([]))
    case .success(let vm, let processID, let details, let own):
      guard case .migrate = operation.operation else {
        return VMOutcome(vm: vm, details: told(details), processID: processID, times: times(own))
      }
      let retries = (["\(operation.retries)"] + [details].compactMap { $0 }).joined(separator: "; ")
      return VMOutcome(vm: vm, details: told(retries), processID: processID, times: times(own))
    case .failure(let code, let details, _, let own):
      return VMOutcome(
        vm: operation.operation.vm ?? "unknown", failure: code, details: told(details) ?? details, times: times(own))
    }
  }
}
