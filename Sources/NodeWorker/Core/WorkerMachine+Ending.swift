import ClusterModel
import MigfraProtocol

/// Tasks that end others, or the worker.
extension WorkerMachine {
  static func cancelled(before what: String) -> OperationOutcome {
    .failure(.cancelled, "cancelled before \(what)", mayPass: false)
  }

  /// Ends a task of this host; the answer comes when its outcome is known.
  mutating func cancel(
    _ target: TaskID, for task: TaskMessage, _ arrival: TaskArrival, at now: Moment
  ) -> [WorkerEffect] {
    if let known = handOvers.pending.first(where: { $0.task.id == target }) {
      // The coordinator knows it by another id.
      var own = task
      own.body = .cancel(known.id)
      return handOver(own, arrival, at: now)
    }
    if let index = unexpanded.firstIndex(where: { $0.0.id == target }) {
      let (other, otherArrival) = unexpanded.remove(at: index)
      return [
        refuse(other, otherArrival, .cancelled, "cancelled before it began"),
        answer(
          arrival,
          with: TaskResult(title: .taskCancelled, id: task.id, status: .success, details: "\(target) was cancelled")),
      ]
    }
    guard let sequence = tasks.first(where: { $0.value.task.id == target })?.key else {
      if let result = ledger.answer(to: target) {
        return [refuse(task, arrival, .tooLate, "\(target) has ended: \(Self.summary(of: result))")]
      }
      return [refuse(task, arrival, .notFound, "no task '\(target)' is known on \(configuration.host)")]
    }
    cancels[sequence, default: []].append((task, arrival))
    return operations.filter { $0.value.sequence == sequence }.keys.sorted().flatMap { cancel($0, at: now) }
  }

  private mutating func cancel(_ id: OperationID, at now: Moment) -> [WorkerEffect] {
    guard let operation = operations[id], !operation.isCancelled else { return [] }
    operations[id]?.isCancelled = true
    switch operation.stage {
    case .queued:
      if case .migrate(var order) = operation.operation, tasks[operation.sequence]?.arrival.isRecalled == true {
        // The last incarnation may have begun it: where the machine is decides, and its job is opened again.
        order.mayBegin = false
        operations[id]?.operation = .migrate(order)
        return []
      }
      queue.remove(id)
      return conclude(id, Self.cancelled(before: "it began"), at: now)
    case .learning: return end(id, Self.cancelled(before: "it began"), at: now)
    case .closing: return end(id, Self.cancelled(before: "its job had closed its connections"), at: now)
    case .pausing: return end(id, Self.cancelled(before: "the next attempt"), at: now)
    case .examining, .performing: return operation.operation.isAbortable ? [.abort(id)] : []
    case .opening:
      // What began it anew finds the mark.
      if let vm = operation.operation.vm, jobs[vm]?.phase == .opening(then: .begin(id)) {
        return open(vm, then: .finish(id, Self.cancelled(before: "it began")), at: now)
      }
      return []
    }
  }

  /// Tells those who wanted the task cancelled how it ended.
  mutating func answerCancels(of sequence: Int64, with result: TaskResult) -> [WorkerEffect] {
    (cancels.removeValue(forKey: sequence) ?? []).map { task, arrival in
      let target = result.id?.rawValue ?? ""
      let stopped = result.entries.filter { $0.code == .cancelled }
      if stopped.count == result.entries.count {
        return answer(
          arrival,
          with: TaskResult(title: .taskCancelled, id: task.id, status: .success, details: "\(target) was cancelled"))
      }
      if stopped.isEmpty { return refuse(task, arrival, .tooLate, "\(target) has ended: \(Self.summary(of: result))") }
      let names = stopped.map(\.vm.rawValue).joined(separator: ", ")
      return answer(
        arrival,
        with: TaskResult(
          title: .taskCancelled, id: task.id, status: .partial,
          details: "cancelled for \(names); for the others it was too late: \(Self.summary(of: result))"))
    }
  }

  private static func summary(of result: TaskResult) -> String {
    let failed = result.entries.filter { !$0.isSuccess && $0.code != .cancelled }
    let succeeded = result.entries.count(where: \.isSuccess)
    if failed.isEmpty { return "\(result.title.rawValue)\(result.entries.count > 1 ? ", \(succeeded)" : "")" }
    return "\(succeeded) succeeded, \(failed.count) failed"
  }

  /// Ends the worker when what it does has ended; what comes meanwhile waits in the journal for the next start.
  mutating func quit(_ task: TaskMessage, _ arrival: TaskArrival) -> [WorkerEffect] {
    let done = TaskResult(title: .quit, id: task.id, entries: [VMOutcome(vm: "n/a")])
    // The last incarnation has ended since.
    guard !arrival.isRecalled else { return [answer(arrival, with: done)] }
    quit = (task, arrival)
    return quitIfIdle()
  }

  mutating func quitIfIdle() -> [WorkerEffect] {
    guard let (task, arrival) = quit, tasks.isEmpty, handOvers.pending.isEmpty, unexpanded.isEmpty, jobs.isEmpty else {
      return []
    }
    quit = nil
    hasQuit = true
    return [
      answer(arrival, with: TaskResult(title: .quit, id: task.id, entries: [VMOutcome(vm: "n/a")])), .finishSaying,
    ]
  }
}
