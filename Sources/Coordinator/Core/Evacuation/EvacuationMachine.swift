public import ClusterModel
public import MigfraProtocol

/// One host being emptied: the plan, each machine's migration, and when it is over.
///
///     draining ──source's own report shows none left──▶ drained
///        └──────some stayed, or it is not known─────────▶ partial (failed, if none moved)
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
  public internal(set) var state: PlanReport.State = .draining
  public internal(set) var reason: String
  let loads: [Plan.HostLoad]
  let began: Duration
  /// Since when every migration has had an end.
  var settlingSince: Duration?
  private var startCounts: [VMName: Int] = [:]
  /// The last order for each machine.
  private var orders: [VMName: TaskMessage] = [:]
  /// When one of its migrations was started last, counted over all evacuations.
  var lastTurn = 0

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
    let tuning: MigrationTuning = if case .evacuate(let wish) = self.task.body { wish.tuning } else { .init() }
    let migration = VMMigration(
      vm: vm, destination: move.destination, type: request.migrationType, retries: 0, tuning: tuning)
    let order = TaskMessage(
      id: task, host: move.source, body: .migrate(migration), measuresTime: true,
      notAfter: (now.unixTime + patience.inSeconds).rounded())
    orders[vm] = order
    return (task, order)
  }

  /// The orders that have no answer yet.
  var openOrders: [TaskMessage] {
    migrations.compactMap { migration in migration.task == nil ? nil : orders[migration.move.vm.name] }
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
}
