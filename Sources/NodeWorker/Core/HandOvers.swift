import ClusterModel
import MigfraProtocol

/// Tasks that concern more than this host, and the coordinator that they were handed to.
struct HandOvers: Sendable {
  /// One such task.
  struct HandOver: Sendable {
    let id: TaskID
    let task: TaskMessage
    let arrival: TaskArrival
    /// The coordinator's incarnation that has it; nil: none was known yet.
    var epoch: Epoch?
    /// Since when there has been no coordinator for it; nil: there is one.
    var waitingSince: Duration?
  }

  /// What is known of the coordinator; nil: nothing yet.
  var coordinator: CoordinatorReport?
  private(set) var pending: [HandOver] = []

  mutating func add(_ handOver: HandOver) {
    pending.append(handOver)
  }

  mutating func updateAll(_ change: (inout HandOver) -> Void) {
    for index in pending.indices { change(&pending[index]) }
  }

  mutating func remove(_ id: TaskID) -> [HandOver] {
    remove { $0.id == id }
  }

  mutating func remove(where isMeant: (HandOver) -> Bool) -> [HandOver] {
    let removed = pending.filter(isMeant)
    pending.removeAll(where: isMeant)
    return removed
  }
}

extension WorkerMachine {
  /// Gives a task to the coordinator; without one it is answered at once.
  mutating func handOver(_ task: TaskMessage, _ arrival: TaskArrival, at now: Moment) -> [WorkerEffect] {
    // An id has at most 256 bytes, and a host's name nearly as many; the journal's name makes it unique.
    let host = configuration.host.rawValue.prefix(128)
    let id = TaskID(rawValue: "handover/\(host)/\(configuration.journal)/\(arrival.sequence)")
    guard let coordinator = handOvers.coordinator else {
      handOvers.add(.init(id: id, task: task, arrival: arrival, epoch: nil, waitingSince: now.uptime))
      return [.setTimer(.coordinatorPatience(epoch: nil), after: configuration.coordinatorPatience)]
    }
    guard coordinator.isOnline else { return [refuse(task, arrival, .noCoordinator, Self.noCoordinator(for: task))] }
    handOvers.add(.init(id: id, task: task, arrival: arrival, epoch: coordinator.epoch))
    return [.handOver(handedOver(task, as: id))]
  }

  private static func noCoordinator(for task: TaskMessage) -> String {
    "'\(task.kind.rawValue)' needs the coordinator, and none is online: start migfra-coordinator, then send the task again"
  }

  private func handedOver(_ task: TaskMessage, as id: TaskID) -> TaskMessage {
    var copy = task
    copy.id = id
    copy.host = configuration.host
    copy.warnings = []
    return copy
  }

  mutating func coordinatorReported(_ report: CoordinatorReport, at now: Moment) -> [WorkerEffect] {
    if let known = handOvers.coordinator, report.epoch < known.epoch { return [] }
    handOvers.coordinator = report
    guard report.isOnline else {
      handOvers.updateAll { $0.waitingSince = $0.waitingSince ?? now.uptime }
      return handOvers.pending.isEmpty
        ? [] : [.setTimer(.coordinatorPatience(epoch: report.epoch), after: configuration.coordinatorPatience)]
    }
    handOvers.updateAll { $0.waitingSince = nil }
    let orphans = handOvers.remove { $0.epoch != nil && $0.epoch != report.epoch }
    var effects = abandon(
      orphans, .noCoordinator,
      "the coordinator was restarted before it answered; what it had begun was finished by the workers. "
        + "See 'migfra vms', then send the task again")
    for waiting in handOvers.remove(where: { $0.epoch == nil }) {
      handOvers.add(.init(id: waiting.id, task: waiting.task, arrival: waiting.arrival, epoch: report.epoch))
      effects.append(.handOver(handedOver(waiting.task, as: waiting.id)))
    }
    return effects
  }

  mutating func coordinatorPatienceEnded(at now: Moment) -> [WorkerEffect] {
    // The timer may be that of an earlier absence, or of another task: what counts is how long each has waited.
    let lost = handOvers.remove { handOver in
      handOver.waitingSince.map { now.uptime - $0 >= configuration.coordinatorPatience } ?? false
    }
    return lost.flatMap {
      abandon([$0], .noCoordinator, $0.epoch == nil ? Self.noCoordinator(for: $0.task) : Self.wentAway)
    }
  }

  private static let wentAway =
    "the coordinator went away before it answered; migrations that had begun are finished by the workers. "
    + "See 'migfra vms', start migfra-coordinator, then send the task again"

  /// The coordinator's answer, with the caller's id, on the caller's topic.
  mutating func coordinatorAnswered(_ result: TaskResult) -> [WorkerEffect] {
    guard let id = result.id else { return [] }
    return handOvers.remove(id).map { handOver in
      var own = result
      own.id = handOver.task.id
      // The coordinator was not told of them: it would take them for its own.
      if !handOver.task.warnings.isEmpty {
        own.details = ([own.details].compactMap { $0 } + handOver.task.warnings).joined(separator: "; ")
      }
      return answer(handOver.arrival, with: own)
    }
  }

  mutating func abandon(_ lost: [HandOvers.HandOver], _ code: ErrorCode, _ details: String) -> [WorkerEffect] {
    lost.map { refuse($0.task, $0.arrival, code, details) }
  }
}
