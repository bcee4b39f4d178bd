public import ClusterModel
public import MigfraProtocol

/// Machines on their way to the hosts where they are wanted, in steps that follow each other as memory allows.
///
///     running ──every step has its end, and reports show it──▶ done (partial, failed: some, all are elsewhere)
///        └──cancel──▶ cancelling ──what is under way has its end──▶ cancelled (done, if all are there)
///
/// A step that fails for good takes with it those that need the room it would have made. What has moved stays moved. A
/// machine that was saved to make room and cannot go on is started where it was; if that cannot be either, the answer
/// tells where it is saved.
public struct RearrangementMachine: Sendable, Equatable, Codable {
  /// What the mapping is for.
  public enum Subject: Sendable, Equatable, Codable {
    case mapping
    /// Of one machine, by `migrate vm`.
    case migration
    /// `before`: how the host goes on if nothing comes of it.
    case restore(HostName, before: NodeReport.State)
  }

  /// A part of one machine's way.
  public struct Step: Sendable, Equatable, Codable {
    public internal(set) var migration: MigrationMachine
    /// nil: a whole migration.
    var stage: PlanReport.Move.Stage?
    /// The steps that must have succeeded before, by number.
    var after: [Int]

    /// Where the machine takes memory from the step's start on; nil: nowhere.
    var arrival: HostName? {
      switch stage {
      case nil, .restore: migration.move.destination
      case .goHome: migration.move.source
      case .save, .back: nil
      }
    }
  }

  public let id: PlanID
  public let task: TaskMessage
  public let arrival: TaskArrival
  public let subject: Subject
  /// For `retry-counter`, where the task leaves it open.
  let retries: Int
  let type: MigrationType
  public internal(set) var steps: [Step] { didSet { revision += 1 } }
  /// Machines that should go somewhere and cannot.
  public let unplaced: [Plan.Unplaced]
  public internal(set) var state: PlanReport.State = .running { didSet { revision += 1 } }
  public internal(set) var reason: String
  /// Who wanted it to end.
  var cancels: [CancelRequest] = [] { didSet { revision += 1 } }
  /// Nothing more is begun.
  var isPaused = false { didSet { revision += 1 } }
  private(set) var began: Duration
  let beganAt: Double
  /// Since when every step has had an end.
  var settlingSince: Duration?
  private var orderCount = 0
  private var orders: [TaskID: TaskMessage] = [:]
  /// Grows with each change that must survive the coordinator.
  private(set) var revision = 0

  private enum CodingKeys: CodingKey {
    case id, task, arrival, subject, type, retries, steps, unplaced, state, reason, cancels, isPaused, began, beganAt
    case settlingSince, orderCount, orders
  }

  /// - Parameter plan: its steps know those before them by their numbers.
  init(
    id: PlanID, task: TaskMessage, arrival: TaskArrival, subject: Subject, plan: RearrangementPlan,
    type: MigrationType, retries: Int, at now: Moment
  ) {
    self.id = id
    self.task = task
    self.arrival = arrival
    self.subject = subject
    self.type = type
    self.retries = retries
    steps = plan.steps.map { step in
      Step(
        migration: MigrationMachine(step.move, allowedRetries: retries), stage: step.stage, after: step.after)
    }
    unplaced = plan.unplaced
    let count = Set(plan.steps.map(\.move.vm.uuid)).count
    reason = "\(count) to move" + (plan.unplaced.isEmpty ? "" : ", \(plan.unplaced.count) without a place")
    began = now.uptime
    beganAt = now.unixTime
  }

  /// How its machines travel.
  var way: VMTravel { task.travel }

  /// Whether the machine is part of it.
  public func concerns(_ uuid: String) -> Bool { steps.contains { $0.migration.move.vm.uuid == uuid } }

  /// Whether machines leave the host or come to it.
  public func concerns(_ host: HostName) -> Bool {
    steps.contains { $0.migration.move.source == host || $0.migration.move.destination == host }
      || subject.host == host
  }

  /// Those that machines leave or come to, and the restored one.
  var hosts: [HostName] {
    let moves = steps.map(\.migration.move)
    return Set(moves.map(\.source) + moves.map(\.destination) + [subject.host].compactMap { $0 }).sorted()
  }

  public func hasOrder(_ task: TaskID) -> Bool { steps.contains { $0.migration.task == task } }

  /// Orders without an answer, of the worker of `host`.
  func openOrders(of host: HostName) -> [TaskMessage] {
    steps.filter { $0.migration.move.source == host }.compactMap { step in step.migration.task.flatMap { orders[$0] } }
  }

  /// The steps that may begin as far as this operation is concerned, by number.
  var ready: [Int] {
    steps.indices.filter { index in
      let step = steps[index]
      guard step.migration.state == .waiting, step.after.allSatisfy({ steps[$0].migration.isMoved }) else {
        return false
      }
      // Who is saved goes on at home whatever is wanted meanwhile.
      return step.stage == .goHome || !isPaused
    }
  }

  /// Begins a step: its order, and the host that gets it.
  mutating func start(_ index: Int, patience: Duration, at now: Moment) -> (message: TaskMessage, host: HostName) {
    let (move, stage) = (steps[index].migration.move, steps[index].stage)
    orderCount += 1
    let order = TaskID(rawValue: "\(id)/\(orderCount)")
    steps[index].migration.start(as: order, at: now)
    var wish = VMMigration(
      vm: move.vm.name, destination: move.destination, type: type, retries: 0, tuning: way.tuning)
    switch stage {
    case nil, .back: break
    case .save: wish.tuning.offlineStage = .save
    case .restore: wish.tuning.offlineStage = .restore
    case .goHome: wish.tuning.offlineStage = .goHome
    }
    if stage != nil { wish.type = .offline }
    // A machine that is saved goes on at home however late it is, by whoever's clock.
    let notAfter = stage == .goHome ? nil : (now.unixTime + patience.inSeconds).rounded()
    let message = TaskMessage(
      id: order, host: move.source, body: .migrate(wish), measuresTime: true, notAfter: notAfter)
    orders[order] = message
    return (message, move.source)
  }

  /// Progress is nothing that must survive.
  mutating func update(_ progress: MigrationProgress) {
    let before = revision
    if let index = steps.firstIndex(where: { $0.migration.task == progress.task }) {
      steps[index].migration.update(progress)
    }
    revision = before
  }

  /// The clock has begun anew: what was at `time` is at `time + shift`.
  mutating func shift(by shift: Duration) {
    began += shift
    settlingSince = settlingSince.map { $0 + shift }
    for index in steps.indices { steps[index].migration.shift(by: shift) }
  }
}

extension RearrangementMachine.Subject {
  /// The host that is being restored.
  var host: HostName? { if case .restore(let host, _) = self { host } else { nil } }
}

extension TaskMessage {
  /// How the machines of the task travel.
  fileprivate var travel: VMTravel {
    switch body {
    case .restore(let restore): restore.way
    case .rearrange(let wish): wish.way
    case .migrate(let migration):
      VMTravel(type: migration.type, retries: migration.retries, tuning: migration.tuning)
    default: VMTravel()
    }
  }
}
