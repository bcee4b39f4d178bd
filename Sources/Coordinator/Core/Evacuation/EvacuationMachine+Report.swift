public import ClusterModel
public import MigfraProtocol

/// What an evacuation tells.
extension EvacuationMachine {
  /// The same for whoever watches.
  public func report(at now: Moment) -> PlanReport {
    PlanReport(
      id: id, request: request, state: state, reason: reason, task: task.id,
      moves: migrations.map { $0.report(at: now) }, unplaced: unplaced, loads: loads,
      seconds: (now.uptime - began).inSeconds, remainingSeconds: remainingSeconds(at: now))
  }

  /// From the bytes that are left and what was moved on average since the beginning; nil before a hundredth has moved:
  /// the first bytes come while everything is still being prepared, and would promise hours.
  ///
  /// The rate of the moment would jump each time a migration ends and the next one prepares.
  private func remainingSeconds(at now: Moment) -> Double? {
    guard !state.isFinal else { return nil }
    var done = 0
    var left = 0
    for migration in migrations where migration.isMoved || !migration.isFinal {
      let bytes = migration.move.vm.memoryKiB * 1024
      let copied = migration.isMoved ? bytes : min(bytes, migration.progress?.doneBytes ?? 0)
      done += copied
      left += bytes - copied
    }
    let elapsed = (now.uptime - began).inSeconds
    return left > 0 && done > (done + left) / 100 && elapsed > 0 ? Double(left) * elapsed / Double(done) : nil
  }

  /// The one final answer, in the seed's shape.
  public func answer(with roster: WorkerRoster, at now: Moment) -> TaskResult {
    var entries = migrations.map { migration -> VMOutcome in
      let move = migration.move
      if migration.isMoved {
        return VMOutcome(
          vm: move.vm.name, details: "\(migration.retries)",
          processID: roster.processID(of: move.vm.uuid, on: move.destination),
          times: task.measuresTime ? migration.times : [])
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

extension MigrationMachine {
  fileprivate func report(at now: Moment) -> PlanReport.Move {
    var report = PlanReport.Move(move: move, state: .waiting, retries: retries, details: details, progress: progress)
    switch state {
    case .waiting: break
    case .moving(_, let since):
      report.state = .moving
      report.seconds = (now.uptime - since).inSeconds
    case .retrying: report.state = .retrying
    case .moved(let seconds):
      report.state = .moved
      report.seconds = seconds
    case .failed: report.state = .failed
    }
    return report
  }
}
