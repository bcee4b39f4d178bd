import ClusterModel
import MigfraProtocol

/// How a rearrangement goes on when steps have their ends.
extension RearrangementMachine {
  /// Takes a worker's answer; nil: it answers nothing that runs.
  mutating func finish(
    _ task: TaskID, with outcome: VMOutcome, at now: Moment
  ) -> (machine: VirtualMachine, consequence: MigrationMachine.Consequence)? {
    guard let index = steps.firstIndex(where: { $0.migration.task == task }),
      let consequence = steps[index].migration.finish(task, with: outcome, at: now)
    else { return nil }
    endWhatWaits()
    return (steps[index].migration.move.vm, consequence)
  }

  /// A step whose turn has come cannot begin: an attempt that failed.
  mutating func postpone(_ index: Int, details: String) -> MigrationMachine.Consequence {
    let consequence = steps[index].migration.postpone(details: details)
    abandonBlocked()
    return consequence
  }

  /// There is no room for it any more where it was, and there is where it was wanted.
  mutating func restoreInstead(_ index: Int) {
    steps[index].stage = .restore
  }

  mutating func retry(_ uuid: String, generation: Int) {
    for index in steps.indices where steps[index].migration.move.vm.uuid == uuid {
      steps[index].migration.retry(generation: generation)
    }
  }

  /// Nobody knows what became of what the host's worker was told.
  mutating func giveUp(_ host: HostName, details: String) {
    for index in steps.indices where steps[index].migration.move.source == host {
      steps[index].migration.fail(.noWorker, details: details)
    }
    abandonBlocked()
  }

  /// Begins nothing more; who is saved goes home.
  /// - Returns: the orders that are to be taken back, and the hosts whose workers have them.
  mutating func cancel(_ request: CancelRequest) -> [(id: TaskID, host: HostName)] {
    cancels.append(request)
    guard state == .running else { return [] }
    state = .cancelling
    reason = "cancelled on request"
    endWhatWaits()
    return openCancels
  }

  /// Orders that are to be taken back, and the hosts whose workers have them.
  var openCancels: [(id: TaskID, host: HostName)] {
    guard state == .cancelling else { return [] }
    return steps.filter { $0.stage != .goHome }.compactMap { step in
      step.migration.task.map { ($0, step.migration.move.source) }
    }
  }

  /// While it is being cancelled nothing is tried again but the way home.
  private mutating func endWhatWaits() {
    if state == .cancelling {
      for index in steps.indices where steps[index].stage != .goHome && steps[index].migration.task == nil {
        steps[index].migration.giveUp(.cancelled, because: "cancelled before it moved")
      }
    }
    abandonBlocked()
  }

  /// What needs a step that has failed does not begin, and who is saved and cannot go on goes home.
  private mutating func abandonBlocked() {
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for index in steps.indices where !steps[index].migration.isFinal {
        let failed = steps[index].after.first { steps[$0].migration.isFinal && !steps[$0].migration.isMoved }
        guard let failed else { continue }
        let other = steps[failed].migration.move.vm.name
        let own = other == steps[index].migration.move.vm.name
        let cause = own ? steps[failed].migration.details ?? "it could not be moved" : "\(other) could not be moved"
        steps[index].migration.fail(.cancelled, details: own ? cause : "not begun: \(cause) before it")
        hasChanged = true
      }
    }
    // While something is under way nobody knows where there will be room.
    guard !steps.contains(where: { $0.migration.task != nil }) else { return }
    for save in steps.indices where steps[save].stage == .save && steps[save].migration.isMoved {
      let move = steps[save].migration.move
      let later = steps.indices.filter { $0 > save && steps[$0].migration.move.vm.uuid == move.vm.uuid }
      guard later.allSatisfy({ steps[$0].migration.isFinal && !steps[$0].migration.isMoved && !steps[$0].isUnclear }),
        !later.contains(where: { steps[$0].stage == .goHome })
      else { continue }
      steps.append(
        Step(
          migration: MigrationMachine(move, allowedRetries: max(5, retries)), stage: .goHome, after: [save]))
    }
  }

  /// Looks whether it is over: every step has its end, and the hosts' reports show what has moved.
  mutating func settle(with roster: WorkerRoster, at now: Moment) -> EvacuationMachine.Settlement {
    guard !state.isFinal else { return .over }
    guard steps.allSatisfy(\.migration.isFinal) else {
      settlingSince = nil
      return .moving
    }
    let isNew = settlingSince == nil
    let since = settlingSince ?? now.uptime
    settlingSince = since
    let isShown = fates.allSatisfy { fate in
      fate.place.map { roster.shows(fate.vm.uuid, activeOn: $0) } ?? true
    }
    guard isShown || now.uptime - since >= EvacuationMachine.settlingPatience else {
      return .waitingForReports(isNew: isNew)
    }
    let there = fates.count(where: \.isThere)
    let rest = fates.count - there + unplaced.count
    reason = "\(there) moved" + (rest > 0 ? ", \(rest) not" : "")
    if fates.isEmpty && unplaced.isEmpty { reason = "there was nothing to move" }
    if rest == 0 {
      state = .done
    } else if !cancels.isEmpty {
      state = .cancelled
      reason = "cancelled: \(reason)"
    } else {
      state = steps.contains { $0.migration.isMoved && $0.stage == nil || $0.arrivedFromStorage } ? .partial : .failed
    }
    return .over
  }
}

extension RearrangementMachine.Step {
  /// Nobody knows where the machine is.
  var isUnclear: Bool {
    if case .failed(let code) = migration.state { code == .inDoubt || code == .noWorker } else { false }
  }

  fileprivate var arrivedFromStorage: Bool { stage == .restore && migration.isMoved }
}
