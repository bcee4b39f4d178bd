public import ClusterModel
public import MigfraProtocol

/// One host being emptied: the plan, each machine's migration, and when it is over.
///
///     draining ──source's own report shows none left──▶ drained
///        └──────some failed, or found no place─────────▶ partial (failed, if none moved)
///
/// It does not send anything: the coordinator asks it which migrations wait, and tells it what became of them.
public struct EvacuationMachine: Sendable {
  public let id: PlanID
  public let request: EvacuationRequest
  /// Who waits for the answer.
  public let route: ReplyRoute
  public let task: TaskMessage
  public private(set) var migrations: [MigrationMachine]
  public private(set) var unplaced: [Plan.Unplaced]
  public private(set) var state: PlanReport.State = .draining
  public private(set) var reason: String
  private let loads: [Plan.HostLoad]
  private let began: Duration
  private var settlingSince: Duration?

  public init(
    id: PlanID, task: TaskMessage, request: EvacuationRequest, plan: Plan, route: ReplyRoute, at now: Moment
  ) {
    self.id = id
    self.task = task
    self.request = request
    self.route = route
    migrations = plan.moves.map { MigrationMachine($0, allowedRetries: request.retries) }
    unplaced = plan.unplaced
    loads = plan.loads
    reason = "\(plan.moves.count) to move" + (plan.unplaced.isEmpty ? "" : ", \(plan.unplaced.count) without a place")
    began = now.uptime
  }

  /// Machines that came to the source meanwhile join.
  public mutating func join(_ plan: Plan) {
    migrations += plan.moves.map { MigrationMachine($0, allowedRetries: request.retries) }
    unplaced += plan.unplaced
  }

  /// Whether the machine is part of this evacuation, in whatever state.
  public func concerns(_ uuid: String) -> Bool {
    migrations.contains { $0.move.vm.uuid == uuid } || unplaced.contains { $0.vm.uuid == uuid }
  }

  /// Applies `change` to the migration of `vm`; nil if there is none.
  public mutating func withMigration<Value>(
    of vm: VMName, _ change: (inout MigrationMachine) -> Value
  ) -> Value? {
    guard let index = migrations.firstIndex(where: { $0.move.vm.name == vm && !$0.isFinal }) else { return nil }
    return change(&migrations[index])
  }

  /// Gives up every migration that has no end yet.
  public mutating func failAll(_ code: ErrorCode, details: String) {
    for index in migrations.indices { migrations[index].fail(code, details: details) }
  }

  /// How far the end is.
  public enum Settlement: Sendable, Equatable {
    case moving
    /// Every migration has an end, and the hosts' reports lag behind; `isNew`: since just now.
    case waitingForReports(isNew: Bool)
    case over
  }

  /// Looks whether it is over: every migration has an end, and the source's own report shows what is left.
  public mutating func settle(with roster: WorkerRoster, at now: Moment) -> Settlement {
    guard state == .draining else { return .over }
    guard migrations.allSatisfy(\.isFinal) else {
      settlingSince = nil
      return .moving
    }
    let isNew = settlingSince == nil
    let since = settlingSince ?? now.uptime
    settlingSince = since
    let patienceIsOver = now.uptime - since >= Self.settlingPatience
    let left = roster[request.source]?.activeVMs.map(\.name) ?? []
    let stayed = Set(migrations.filter { !$0.isMoved }.map(\.move.vm.name) + unplaced.map(\.vm.name))
    let ghosts = left.filter { !stayed.contains($0) }
    let arrived = migrations.allSatisfy { migration in
      !migration.isMoved || roster.shows(migration.move.vm.uuid, activeOn: migration.move.destination)
    }
    guard patienceIsOver || (ghosts.isEmpty && arrived) else { return .waitingForReports(isNew: isNew) }
    let moved = migrations.count(where: \.isMoved)
    if left.isEmpty, roster.isOnline(request.source), stayed.isEmpty {
      state = .drained
      reason = moved == 0 ? "there was nothing to move" : "\(moved) moved"
    } else {
      state = moved > 0 ? .partial : .failed
      reason = "\(moved) moved, \(stayed.count) stayed"
      if !ghosts.isEmpty {
        reason += "; \(request.source) still reports " + ghosts.map(\.rawValue).joined(separator: ", ")
      }
    }
    return .over
  }

  /// How long the hosts' reports may lag behind the workers' answers.
  public static let settlingPatience = Duration.seconds(10)

  /// The same for whoever watches.
  public func report(at now: Moment) -> PlanReport {
    PlanReport(
      id: id, request: request, state: state, reason: reason, task: task.id,
      moves: migrations.map { $0.report(at: now) }, unplaced: unplaced, loads: loads,
      seconds: (now.uptime - began).inSeconds, remainingSeconds: remainingSeconds(at: now))
  }

  /// From the bytes that are left and what was moved on average since the beginning; nil before anything has moved.
  ///
  /// The rate of the moment would jump each time a migration ends and the next one prepares.
  private func remainingSeconds(at now: Moment) -> Double? {
    guard state == .draining else { return nil }
    var done = 0
    var left = 0
    for migration in migrations where migration.isMoved || !migration.isFinal {
      let bytes = migration.move.vm.memoryKiB * 1024
      let copied = migration.isMoved ? bytes : min(bytes, migration.progress?.doneBytes ?? 0)
      done += copied
      left += bytes - copied
    }
    let elapsed = (now.uptime - began).inSeconds
    // With less than a fiftieth done the average says nothing yet.
    return left > 0 && done * 50 > left ? Double(left) * elapsed / Double(done) : nil
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
      default: migrations.isEmpty && !unplaced.isEmpty ? .infeasible : .error
      }
    return TaskResult(
      title: .nodeEvacuated, id: task.id, scheduler: "global", entries: entries, status: status, details: reason,
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
