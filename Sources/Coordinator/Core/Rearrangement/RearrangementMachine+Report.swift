public import ClusterModel
public import MigfraProtocol

/// What a rearrangement tells.
extension RearrangementMachine {
  /// What became of one machine so far.
  struct Fate {
    var vm: VirtualMachine
    var wanted: HostName
    /// Where it runs as far as its steps tell; nil: it is saved, or nobody knows.
    var place: HostName?
    /// On the host from whose storage it can be started.
    var saved: HostName?
    var isUnclear = false
    var retries = 0
    var times: [TimeMeasurement] = []
    /// The first failure is the cause; what follows is the way home.
    var failure: (code: ErrorCode, details: String)?

    var isThere: Bool { place == wanted }
  }

  /// Each machine once, in the order of the plan.
  var fates: [Fate] {
    var fates: [Fate] = []
    var number: [String: Int] = [:]
    for step in steps {
      let (migration, move) = (step.migration, step.migration.move)
      let index = number[move.vm.uuid] ?? fates.count
      if index == fates.count {
        number[move.vm.uuid] = index
        fates.append(Fate(vm: move.vm, wanted: move.destination, place: move.source))
      }
      if step.stage != .goHome { fates[index].wanted = move.destination }
      fates[index].retries += migration.retries
      fates[index].times += migration.times
      if migration.isMoved {
        fates[index].place = step.stage == .save ? nil : step.arrival
        fates[index].saved = step.stage == .save ? move.source : nil
      } else if case .failed(let code) = migration.state {
        if fates[index].failure == nil { fates[index].failure = (code, migration.details ?? "no cause is known") }
        if step.isUnclear {
          fates[index].place = nil
          fates[index].isUnclear = true
        }
      }
    }
    return fates
  }

  /// Machines that have arrived somewhere or are on their way there, whatever the hosts' reports show.
  var arrivals: [(vm: VirtualMachine, host: HostName)] {
    var last: [String: Int] = [:]
    for index in steps.indices where steps[index].migration.isMoved || steps[index].migration.task != nil {
      last[steps[index].migration.move.vm.uuid] = index
    }
    return last.values.sorted().compactMap { index in
      steps[index].arrival.map { (steps[index].migration.move.vm, $0) }
    }
  }

  /// Room that is promised: where machines will be, and where they go back to if they cannot go on.
  var reservations: [Plan.Move] {
    var moves: [Plan.Move] = []
    for (index, step) in steps.enumerated() {
      let move = step.migration.move
      if case .failed = step.migration.state { continue }
      let hasGoneOn = steps[index...].dropFirst().contains {
        $0.migration.move.vm.uuid == move.vm.uuid && $0.migration.isMoved
      }
      if step.migration.isMoved && hasGoneOn { continue }
      if let arrival = step.arrival { moves.append(Plan.Move(vm: move.vm, source: move.source, destination: arrival)) }
      if step.stage == .save {
        moves.append(Plan.Move(vm: move.vm, source: move.destination, destination: move.source))
      }
    }
    return moves
  }

  public func report(at now: Moment) -> PlanReport {
    var report = PlanReport(
      id: id, operation: subject.operation, state: isPaused && state == .running ? .paused : state, reason: reason,
      task: task.id, moves: steps.map { $0.migration.report(stage: $0.stage, at: now) }, unplaced: unplaced,
      seconds: (now.uptime - began).inSeconds)
    report.requester = task.requester
    report.purpose = task.reason
    report.began = beganAt
    if state.isFinal { report.ended = now.unixTime }
    report.remainingSeconds =
      state.isFinal ? nil : MigrationMachine.remainingSeconds(of: steps.map(\.migration), since: began, at: now)
    return report
  }

  /// The one final answer.
  public func answer(with roster: WorkerRoster, at now: Moment) -> TaskResult {
    var entries = fates.map { fate -> VMOutcome in
      let times = task.measuresTime ? fate.times : []
      if fate.isThere {
        return VMOutcome(
          vm: fate.vm.name, details: "\(fate.retries)",
          processID: roster.processID(of: fate.vm.uuid, on: fate.wanted), times: times)
      }
      let cause = fate.failure ?? (.internal, "no cause is known")
      return VMOutcome(
        vm: fate.vm.name, failure: cause.code, details: "\(cause.details); \(whereabouts(of: fate))", times: times)
    }
    entries += unplaced.map { VMOutcome(vm: $0.vm.name, failure: .capacity, details: $0.details) }
    let overall =
      task.measuresTime ? [TimeMeasurement("overall", seconds: (now.uptime - began).inSeconds)] : []
    if subject == .migration {
      return TaskResult(title: .vmMigrated, id: task.id, scheduler: "global", entries: entries, plan: id)
    }
    let status: TaskResult.Status =
      switch state {
      case .done: .success
      case .partial: .partial
      case .cancelled: fates.contains(where: \.isThere) ? .partial : .error
      default: .error
      }
    return TaskResult(
      title: task.kind.title, id: task.id, scheduler: "global", entries: entries, status: status, details: reason,
      code: state == .cancelled ? .cancelled : nil, plan: id, times: overall)
  }

  private func whereabouts(of fate: Fate) -> String {
    let vm = fate.vm.name
    if fate.isUnclear { return "whether \(vm) moved is not known" }
    if let place = fate.place { return "\(vm) is on \(place)" }
    guard let saved = fate.saved else { return "where \(vm) is is not known" }
    return "\(vm) is saved on \(saved) and waits: 'migrate vm' with 'offline-stage: go-home' starts it there"
  }
}

extension RearrangementMachine.Subject {
  var operation: PlanReport.Operation {
    switch self {
    case .mapping: .rearrangement
    case .migration: .migration
    case .restore(let host, _): .restore(host)
    }
  }
}
