public import ClusterModel
public import MigfraProtocol

/// The exchange of two machines between two hosts.
///
///     fit beside each other:
///       crossing ──both have moved──▶ exchanged
///          ├──one has moved, the other cannot──▶ returning ──▶ failed
///          └──neither can──▶ failed
///     do not fit; the smaller one makes room for the larger:
///       saving ──▶ carrying ──▶ restoring ──▶ exchanged
///          │          │            └──cannot──▶ carryingBack ──▶ bringingHome ──▶ failed
///          │          └──cannot──▶ bringingHome ──▶ failed
///          └──cannot──▶ failed
///
/// Failed means that both are where they were, or that the answer tells where each is. A step is tried again as often as
/// the task allows; the way home more often.
public struct SwapMachine: Sendable, Equatable, Codable {
  public enum State: String, Sendable, Codable {
    case crossing, returning
    case saving, carrying, restoring, carryingBack, bringingHome
    case exchanged, failed
  }

  /// One machine's part in the state.
  public struct Step: Sendable, Equatable, Codable {
    public internal(set) var migration: MigrationMachine
    var stage: Stage
    /// Of the task's machine, not of its partner.
    var isFirst: Bool

    var isWayHome: Bool { stage == .back || stage == .goHome }

    enum Stage: String, Sendable, Codable {
      /// From its host to the other.
      case whole
      /// The same the other way round.
      case back
      case save, restore, goHome
    }
  }

  public let id: PlanID
  public let task: TaskMessage
  public let arrival: TaskArrival
  let type: MigrationType
  let retries: Int
  /// The task's machine on its way, and its partner's way.
  public let ways: [Plan.Move]
  public internal(set) var state: State { didSet { revision += 1 } }
  /// What is done in this state.
  public internal(set) var steps: [Step] = [] { didSet { revision += 1 } }
  /// Who wanted it to end.
  var cancels: [CancelRequest] = [] { didSet { revision += 1 } }
  /// Steps that have ended, for the answer.
  var past: [Step] = []
  private var orderCount = 0
  private var orders: [TaskID: TaskMessage] = [:]
  private(set) var began: Duration
  let beganAt: Double
  /// Grows with each change that must survive the coordinator.
  private(set) var revision = 0

  private enum CodingKeys: CodingKey {
    case id, task, arrival, type, retries, ways, state, steps, past, cancels, orderCount, orders, began, beganAt
  }

  /// - Parameter isBeside: both fit on each host for the time of the exchange.
  public init(
    id: PlanID, task: TaskMessage, arrival: TaskArrival, ways: [Plan.Move], isBeside: Bool, type: MigrationType,
    retries: Int, at now: Moment
  ) {
    self.id = id
    self.task = task
    self.arrival = arrival
    self.ways = ways
    self.type = type
    self.retries = retries
    began = now.uptime
    beganAt = now.unixTime
    state = isBeside ? .crossing : .saving
    steps = isBeside ? [step(0, .whole), step(1, .whole)] : [step(smaller, .save)]
  }

  /// Which of the ways is that of the smaller machine.
  var smaller: Int { ways[0].vm.memoryKiB < ways[1].vm.memoryKiB ? 0 : 1 }

  func step(_ way: Int, _ stage: Step.Stage) -> Step {
    var move = ways[way]
    if stage == .back { (move.source, move.destination) = (move.destination, move.source) }
    var step = Step(migration: MigrationMachine(move, allowedRetries: retries), stage: stage, isFirst: way == 0)
    if step.isWayHome { step.migration = MigrationMachine(move, allowedRetries: max(5, retries)) }
    return step
  }

  public var isOver: Bool { state == .exchanged || state == .failed }
  func concerns(_ uuid: String) -> Bool { ways.contains { $0.vm.uuid == uuid } }
  func concerns(_ host: HostName) -> Bool { ways.contains { $0.source == host } }
  func hasOrder(_ task: TaskID) -> Bool { steps.contains { $0.migration.task == task } }
  func machine(of order: TaskID) -> VirtualMachine? { steps.first { $0.migration.task == order }?.migration.move.vm }

  /// Orders without an answer, of the workers of `host`.
  func openOrders(of host: HostName) -> [TaskMessage] {
    steps.filter { $0.migration.move.source == host }.compactMap { step in step.migration.task.flatMap { orders[$0] } }
  }

  /// Orders for what can begin now, and the hosts that get them.
  mutating func startWaiting(patience: Duration, at now: Moment) -> [(message: TaskMessage, host: HostName)] {
    steps.indices.filter { steps[$0].migration.state == .waiting }.map { index in
      let move = steps[index].migration.move
      orderCount += 1
      let order = TaskID(rawValue: "\(id)/\(orderCount)")
      steps[index].migration.start(as: order, at: now)
      // A machine that is saved goes on at home however late it is, by whoever's clock.
      let notAfter = steps[index].stage == .goHome ? nil : (now.unixTime + patience.inSeconds).rounded()
      let message = TaskMessage(
        id: order, host: move.source, body: .migrate(wish(of: steps[index])), measuresTime: true, notAfter: notAfter)
      orders[order] = message
      return (message, move.source)
    }
  }

  private func wish(of step: Step) -> VMMigration {
    let move = step.migration.move
    var wish = VMMigration(vm: move.vm.name, destination: move.destination, type: type, retries: 0)
    guard case .migrate(let whole) = task.body else { return wish }
    wish.tuning = whole.tuning
    if !step.isFirst {
      wish.tuning.hookProcesses = whole.partner?.hookProcesses
      wish.tuning.vcpuMap = whole.partner?.vcpuMap
    }
    switch step.stage {
    case .whole: break
    // Pins belong to the way there.
    case .back: wish.tuning.vcpuMap = nil
    case .save: wish.tuning.offlineStage = .save
    case .restore: wish.tuning.offlineStage = .restore
    case .goHome: wish.tuning.offlineStage = .goHome
    }
    if wish.tuning.offlineStage != nil { wish.type = .offline }
    return wish
  }

  /// Takes a worker's answer; nil: it answers nothing that runs.
  mutating func finish(
    _ task: TaskID, with outcome: VMOutcome, at now: Moment
  ) -> MigrationMachine.Consequence? {
    guard let index = steps.firstIndex(where: { $0.migration.task == task }) else { return nil }
    let consequence = steps[index].migration.finish(task, with: outcome, at: now)
    settle()
    return consequence
  }

  mutating func retry(_ uuid: String, generation: Int) {
    for index in steps.indices where steps[index].migration.move.vm.uuid == uuid {
      steps[index].migration.retry(generation: generation)
    }
  }

  /// Nobody knows what became of what is under way.
  mutating func giveUp(details: String) {
    for index in steps.indices { steps[index].migration.fail(.noWorker, details: details) }
    settle()
  }

  /// Progress is nothing that must survive.
  mutating func update(_ progress: MigrationProgress) {
    let before = revision
    for index in steps.indices { steps[index].migration.update(progress) }
    revision = before
  }

  /// The clock has begun anew: what was at `time` is at `time + shift`.
  mutating func shift(by shift: Duration) {
    began += shift
    for index in steps.indices { steps[index].migration.shift(by: shift) }
  }
}
