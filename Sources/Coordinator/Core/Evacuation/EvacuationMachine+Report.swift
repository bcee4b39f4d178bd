public import ClusterModel
public import MigfraProtocol

/// What an evacuation tells.
extension EvacuationMachine {
  /// The same for whoever watches.
  public func report(at now: Moment) -> PlanReport {
    var report = PlanReport(
      id: id, operation: .evacuation(request), state: isPaused && state == .draining ? .paused : state, reason: reason,
      task: task.id, moves: migrations.map { $0.report(at: now) }, unplaced: unplaced, loads: loads,
      seconds: (now.uptime - began).inSeconds)
    report.requester = task.requester
    report.purpose = task.reason
    report.began = beganAt
    if state.isFinal { report.ended = now.unixTime }
    report.remainingSeconds =
      state.isFinal ? nil : MigrationMachine.remainingSeconds(of: migrations, since: began, at: now)
    return report
  }

  private func times(of migration: MigrationMachine) -> [TimeMeasurement] {
    let uuid = migration.move.vm.uuid
    return gangs.first { $0.concerns(uuid) }?.times(of: uuid, around: migration.times) ?? migration.times
  }

  /// The one final answer, in the seed's shape.
  public func answer(with roster: WorkerRoster, at now: Moment) -> TaskResult {
    var entries = migrations.map { migration -> VMOutcome in
      let move = migration.move
      if migration.isMoved {
        return VMOutcome(
          vm: move.vm.name, details: "\(migration.retries)",
          processID: roster.processID(of: move.vm.uuid, on: move.destination),
          times: task.measuresTime ? times(of: migration) : [])
      }
      let code = if case .failed(let code) = migration.state { code } else { ErrorCode.internal }
      return VMOutcome(vm: move.vm.name, failure: code, details: migration.details ?? "not moved")
    }
    entries += unplaced.map { VMOutcome(vm: $0.vm.name, failure: .capacity, details: $0.details) }
    let status: TaskResult.Status =
      switch state {
      case .drained: .success
      case .partial: .partial
      case .cancelled: migrations.contains(where: \.isMoved) ? .partial : .error
      default: migrations.isEmpty && !unplaced.isEmpty ? .infeasible : .error
      }
    return TaskResult(
      title: .nodeEvacuated, id: task.id, scheduler: "global", entries: entries, status: status, details: reason,
      code: state == .cancelled ? .cancelled : nil,
      plan: id,
      times: task.measuresTime ? [TimeMeasurement("overall", seconds: (now.uptime - began).inSeconds)] : [])
  }
}
