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
    /// Its journal: an incarnation with the same one goes on with the task.
    var journal: String?
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
    handOvers.add(
      .init(id: id, task: task, arrival: arrival, epoch: coordinator.epoch, journal: coordinator.journal))
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
      let patiences = Set(handOvers.pending.map { patience(for: $0) }).sorted()
      return patiences.map { .setTimer(.coordinatorPatience(epoch: report.epoch), after: $0) }
    }
    handOvers.updateAll { $0.waitingSince = nil }
    let orphans = handOvers.remove { handOver in
      let isContinued = handOver.journal != nil && handOver.journal == report.journal
      return handOver.epoch != nil && handOver.epoch != report.epoch && !isContinued
    }
    var effects = takeUp(with: report)
    effects += abandon(
      orphans, .noCoordinator,
      "the coordinator was restarted before it answered; what it had begun was finished by the workers. "
        + "See 'migfra vms', then send the task again")
    for waiting in handOvers.remove(where: { $0.epoch == nil }) {
      handOvers.add(
        .init(
          id: waiting.id, task: waiting.task, arrival: waiting.arrival, epoch: report.epoch, journal: report.journal))
      effects.append(.handOver(handedOver(waiting.task, as: waiting.id)))
    }
    return effects
  }

  /// The next incarnation of the coordinator goes on with what the last one had. It gets each task again: one that it has
  /// in its journal it knows by its id.
  private mutating func takeUp(with report: CoordinatorReport) -> [WorkerEffect] {
    let continued = handOvers.pending.filter { $0.epoch != nil && $0.epoch != report.epoch }
    handOvers.updateAll { if $0.epoch != nil { $0.epoch = report.epoch } }
    return continued.map { .handOver(handedOver($0.task, as: $0.id)) }
  }

  /// A coordinator that keeps a journal may be restarted; one that is not there at all is not waited for.
  private func patience(for handOver: HandOvers.HandOver) -> Duration {
    handOver.journal == nil ? configuration.coordinatorPatience : configuration.coordinatorReturn
  }

  mutating func coordinatorPatienceEnded(at now: Moment) -> [WorkerEffect] {
    // The timer may be that of an earlier absence, or of another task: what counts is how long each has waited.
    let over = handOvers.pending.filter { handOver in
      handOver.waitingSince.map { now.uptime - $0 >= patience(for: handOver) } ?? false
    }
    let ids = Set(over.map(\.id))
    let lost = handOvers.remove { ids.contains($0.id) }
    return lost.flatMap {
      abandon([$0], .noCoordinator, $0.epoch == nil ? Self.noCoordinator(for: $0.task) : Self.wentAway(from: $0.task))
    }
  }

  private static func wentAway(from task: TaskMessage) -> String {
    let usual =
      "the coordinator went away before it answered; migrations that had begun are finished by the workers. "
      + "See 'migfra vms', start migfra-coordinator, then send the task again"
    // What becomes of an exchange after this answer is told to nobody.
    guard case .migrate(let wish) = task.body, let partner = wish.partner else { return usual }
    return usual
      + "; \(wish.vm) or \(partner.vm) may be saved in the shared directory: a coordinator with the same journal brings it "
      + "back, or 'migrate vm' with 'offline-stage: go-home' on its host"
  }

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
