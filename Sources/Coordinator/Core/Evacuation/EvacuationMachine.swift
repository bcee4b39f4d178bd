public import ClusterModel
public import MigfraProtocol

/// Hosts being emptied by one plan: the plan, each machine's migration, and when it is over.
///
///     draining ──the sources' own reports show none left──▶ drained
///        ├──────some stayed, or it is not known─────────▶ partial (failed, if none moved)
///        └──cancel──▶ cancelling ──what is under way has its end──▶ cancelled (drained, if all have moved)
///
/// It does not send anything: the coordinator asks it which migrations wait, and tells it what became of them.
public struct EvacuationMachine: Sendable, Equatable, Codable {
  public let id: PlanID
  public let request: EvacuationRequest
  /// Who waits for the answer.
  public let arrival: TaskArrival
  public let task: TaskMessage
  /// The task that says how: the same, or the dry run that is applied.
  let wish: TaskMessage
  public private(set) var migrations: [MigrationMachine] { didSet { revision += 1 } }
  /// Machines of one job, which move as one.
  public internal(set) var gangs: [Gang] = [] { didSet { revision += 1 } }
  public private(set) var unplaced: [Plan.Unplaced]
  public internal(set) var state: PlanReport.State = .draining { didSet { revision += 1 } }
  public internal(set) var reason: String
  /// The sources that were seen empty at the end.
  public internal(set) var emptied: [HostName] = []
  let loads: [Plan.HostLoad]
  private(set) var began: Duration
  let beganAt: Double
  /// The deadline has passed, and what was wanted then is being done.
  var isPastDeadline = false { didSet { revision += 1 } }
  /// Nothing more is begun.
  var isPaused = false { didSet { revision += 1 } }
  /// Since when every migration has had an end.
  var settlingSince: Duration?
  /// Orders so far, by the machine's name, which is part of their ids.
  private var startCounts: [VMName: Int] = [:]
  /// The last order for each machine, by UUID.
  private var orders: [String: TaskMessage] = [:]
  /// Who wanted it to end.
  var cancels: [CancelRequest] = [] { didSet { revision += 1 } }
  /// When one of its migrations was started last, counted over all evacuations.
  var lastTurn = 0
  /// Grows with each change that must survive the coordinator.
  private(set) var revision = 0

  private enum CodingKeys: CodingKey {
    case id, request, arrival, task, migrations, unplaced, state, reason, loads, began, settlingSince, startCounts
    case orders, lastTurn, cancels, emptied, beganAt, isPaused, wish, isPastDeadline, gangs
  }

  public init(
    id: PlanID, task: TaskMessage, request: EvacuationRequest, plan: Plan, arrival: TaskArrival, at now: Moment
  ) {
    self.id = id
    self.task = task
    wish = task
    self.request = request
    self.arrival = arrival
    migrations = plan.moves.map { MigrationMachine($0, allowedRetries: request.retries) }
    unplaced = plan.unplaced
    loads = plan.loads
    reason = "\(plan.moves.count) to move" + (plan.unplaced.isEmpty ? "" : ", \(plan.unplaced.count) without a place")
    began = now.uptime
    beganAt = now.unixTime
    gangs = Gang.all(of: plan.moves, processes: evacuation?.tuning.hookProcesses, plan: id)
  }

  /// A dry run that is carried out after all, for another task.
  init(applying draft: EvacuationMachine, plan: Plan, for task: TaskMessage, arrival: TaskArrival, at now: Moment) {
    id = draft.id
    self.task = task
    wish = draft.wish
    request = draft.request
    self.arrival = arrival
    migrations = plan.moves.map { MigrationMachine($0, allowedRetries: draft.request.retries) }
    unplaced = plan.unplaced
    loads = plan.loads
    reason = draft.reason
    began = now.uptime
    beganAt = now.unixTime
    gangs = Gang.all(of: plan.moves, processes: evacuation?.tuning.hookProcesses, plan: id)
  }

  /// What the task asks for.
  var evacuation: NodeEvacuation? { if case .evacuate(let evacuation) = wish.body { evacuation } else { nil } }

  /// Whether the host is one of those being emptied.
  public func empties(_ host: HostName) -> Bool { request.sources.contains(host) }

  /// Machines that came to a source meanwhile join; each moves by itself, whatever its job.
  public mutating func join(_ plan: Plan) {
    migrations += plan.moves.map { MigrationMachine($0, allowedRetries: request.retries) }
    unplaced += plan.unplaced
  }

  /// Whether the machine is part of this evacuation, in whatever state.
  public func concerns(_ uuid: String) -> Bool {
    migrations.contains { $0.move.vm.uuid == uuid } || unplaced.contains { $0.vm.uuid == uuid }
  }

  /// The order for the next attempt to move a machine.
  ///
  /// Its id was never used before: one that a worker knows is not carried out again. It is void after `patience`, when
  /// the coordinator may have given it up: a worker that comes back later moves nothing that nobody expects any more.
  mutating func order(
    _ move: Plan.Move, patience: Duration, at now: Moment
  ) -> (id: TaskID, message: TaskMessage) {
    let vm = move.vm.name
    let count = startCounts[vm, default: 0]
    startCounts[vm] = count + 1
    // An id has at most 256 bytes, and a machine's name may have as many.
    let task = TaskID(rawValue: "\(id)/\(String(decoding: vm.rawValue.utf8.prefix(128), as: UTF8.self))/\(count)")
    let migration = VMMigration(
      vm: vm, destination: move.destination, type: type, retries: 0, tuning: evacuation?.tuning ?? MigrationTuning())
    let order = TaskMessage(
      id: task, host: move.source, body: .migrate(migration), measuresTime: true,
      notAfter: (now.unixTime + patience.inSeconds).rounded())
    orders[move.vm.uuid] = order
    return (task, order)
  }

  /// How the last order for the machine says that it shall travel.
  func orderedType(of uuid: String) -> MigrationType? {
    if case .migrate(let migration) = orders[uuid]?.body { migration.type } else { nil }
  }

  /// The orders that have no answer yet, of the worker of `host`.
  func openOrders(of host: HostName) -> [TaskMessage] {
    gangs.flatMap { $0.openOrders(of: host) }
      + migrations.compactMap { migration in
        migration.task == nil || migration.move.source != host ? nil : orders[migration.move.vm.uuid]
      }
  }

  /// Applies `change` to the migration of the machine with this UUID, if it has no end yet; nil if there is none.
  public mutating func withMigration<Value>(
    of uuid: String, _ change: (inout MigrationMachine) -> Value
  ) -> Value? {
    guard let index = migrations.firstIndex(where: { $0.move.vm.uuid == uuid && !$0.isFinal }) else { return nil }
    return change(&migrations[index])
  }

  /// Progress is nothing that must survive.
  mutating func update(_ progress: MigrationProgress) {
    let before = revision
    if let index = migrations.firstIndex(where: { $0.task != nil && $0.task == progress.task }) {
      migrations[index].update(progress)
    }
    revision = before
  }

  /// The clock has begun anew: what was at `time` is at `time + shift`.
  mutating func shift(by shift: Duration) {
    began += shift
    settlingSince = settlingSince.map { $0 + shift }
    for index in migrations.indices { migrations[index].shift(by: shift) }
  }

  /// Gives up every migration from `source` that has no end yet.
  public mutating func failAll(from source: HostName, _ code: ErrorCode, details: String) {
    for index in migrations.indices where migrations[index].move.source == source {
      // What the worker tells of it when it is back is told to nobody any more.
      let mayBeSaved = request.migrationType == .offline && migrations[index].task != nil
      let vm = migrations[index].move.vm.name
      let remark = mayBeSaved ? "; \(vm) may be kept in its image in the shared directory" : ""
      migrations[index].fail(code, details: details + remark)
    }
  }
}
