import ClusterModel
import MigfraProtocol

/// What a migration tells as a part of a plan.
extension MigrationMachine {
  func report(stage: PlanReport.Move.Stage? = nil, at now: Moment) -> PlanReport.Move {
    var report = PlanReport.Move(
      move: move, stage: stage, state: .waiting, retries: retries, details: details, progress: progress)
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

  /// Until all have moved, seconds: from the bytes that are left and what was moved on average since the beginning; nil
  /// before a hundredth has moved: the first bytes come while everything is still being prepared, and would promise
  /// hours.
  ///
  /// The rate of the moment would jump each time a migration ends and the next one prepares.
  static func remainingSeconds(
    of migrations: [MigrationMachine], since began: Duration, at now: Moment
  ) -> Double? {
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
}
