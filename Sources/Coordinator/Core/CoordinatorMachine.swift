public import ClusterModel
import MigfraProtocol

/// The coordinator's rules: takes what happened and the time, gives back what is to be done. No I/O, no clock.
///
/// Composed of the roster of workers, one machine per operation (`EvacuationMachine`, `SwapMachine`,
/// `RearrangementMachine`), and the slots and links that bound how many machines move at once. What is reserved on a
/// destination is derived from the migrations and the
/// hosts' reports each time it is needed; there is no second ledger that could disagree.
public struct CoordinatorMachine: Sendable {
  public struct Configuration: Sendable {
    /// Of this incarnation; part of every plan's id.
    public var epoch: Epoch
    /// Migrations at once.
    public var limits: MigrationLimits
    /// For what a task leaves open.
    public var mode: PlacementMode
    public var migrationType: MigrationType
    public var overbooking: Bool
    public var retries: Int
    /// How long the worker of a host being emptied may be offline.
    public var workerPatience: Duration
    /// Finished plans that stay readable on their topics.
    public var keptPlans: Int
    /// How long hosts must contradict each other about a machine before it is called a stray: longer than the broker
    /// takes to notice that a worker is gone.
    public var strayPatience: Duration

    public init(
      epoch: Epoch, limits: MigrationLimits = MigrationLimits(), mode: PlacementMode = .auto,
      migrationType: MigrationType = .live, overbooking: Bool = false, retries: Int = 3,
      workerPatience: Duration = .seconds(60), keptPlans: Int = 50, strayPatience: Duration = .seconds(60)
    ) {
      self.epoch = epoch
      self.limits = limits
      self.mode = mode
      self.migrationType = migrationType
      self.overbooking = overbooking
      self.retries = retries
      self.workerPatience = workerPatience
      self.keptPlans = keptPlans
      self.strayPatience = strayPatience
    }
  }

  let configuration: Configuration
  public internal(set) var roster = WorkerRoster()
  /// Evacuations under way, in the order in which they were asked for.
  public internal(set) var evacuations: [EvacuationMachine] = []
  /// Exchanges under way.
  public internal(set) var swaps: [SwapMachine] = []
  /// Mappings under way: restores among them.
  public internal(set) var rearrangements: [RearrangementMachine] = []
  /// Dry runs that can be applied.
  var drafts: [EvacuationMachine] = []
  /// Where evacuations found machines first, by UUID: where they belong.
  var origins: [String: HostName] = [:]
  /// What was last said of each host; none: it is active.
  var nodes: [HostName: NodeReport] = [:]
  var ledger = TaskLedger()
  /// Plans whose new progress has not been published yet, and whose timer runs.
  var unpublished: Set<PlanID> = []
  var finishedPlans: [PlanID] = []
  /// Since when workers have been away.
  var absentSince: [HostName: Duration] = [:]
  /// Migrations started so far; says whose turn is next.
  var turns = 0
  /// When the memory of machines will be copied, by the tasks that move them, as far as their progress says.
  var copyEnds: [TaskID: Duration] = [:]
  /// When the timer of the next look at links fires; nil: none runs.
  var nextLook: Duration?
  private var planCount = 0
  /// What of each operation is on disk.
  var savedRevisions: [PlanID: Int] = [:]
  /// Operations of the last incarnation go on when all hosts have reported that will.
  var isWaitingForReports = false
  /// Everything that the broker had kept has come at least once.
  var hasCaughtUp = false
  var strayCopies = StrayCopies()
  /// When the timer of the next look at suspected strays fires; nil: none runs.
  var strayLook: Duration?

  public init(_ configuration: Configuration) {
    self.configuration = configuration
  }

  public mutating func handle(_ event: CoordinatorEvent, at now: Moment) -> [CoordinatorEffect] {
    let effects = decide(event, at: now) + lookForStrays(after: event, at: now)
    return keepingChanges(around: effects, at: now)
  }

  private mutating func decide(_ event: CoordinatorEvent, at now: Moment) -> [CoordinatorEffect] {
    switch event {
    case .taskReceived(let task, let arrival): return receive(task, from: arrival, at: now)
    case .taskUnreadable(let error, let arrival):
      return [
        .answer(.unreadable(id: error.id, code: error.code, details: error.description), to: arrival),
        .note(Note(.warning, "a task could not be read", ["cause": error.description])),
      ]
    case .hostReported(let report): return update(report, at: now)
    case .workerAnswered(let result, let host): return finish(result, from: host, at: now)
    case .taskUndeliverable(let task, let host):
      let outcome = VMOutcome(vm: "", failure: .noWorker, details: "no worker listens to the tasks of \(host)")
      return finish(TaskResult(title: .vmMigrated, id: task, entries: [outcome]), from: host, at: now)
    case .migrationProgressed(let progress): return update(progress, at: now)
    case .timerFired(let timer): return fire(timer, at: now)
    case .nodeRecalled(let report): return recall(report)
    case .planRecalled(let report): return recall(report, at: now)
    case .originsRecalled(let known):
      origins.merge(known) { now, _ in now }
      return []
    case .caughtUp:
      isWaitingForReports = false
      hasCaughtUp = true
      return advance(at: now)
    }
  }

  /// The cluster as planners see it now.
  public func snapshot() -> ClusterSnapshot {
    var coming = evacuations.flatMap(\.migrations).filter(\.occupiesDestination).map(\.move)
    // Both of an exchange have their room on both hosts until it is over, wherever they are just now.
    for swap in swaps {
      for way in swap.ways {
        coming += swap.ways.map { Plan.Move(vm: $0.vm, source: way.destination, destination: way.source) }
      }
    }
    coming += rearrangements.flatMap(\.reservations)
    var cluster = ClusterSnapshot(reports: roster.hosts, nodes: nodes, coming: coming)
    cluster.outgoingMigrations = configuration.limits.outgoing ?? MigrationLimits.withoutLinks
    cluster.incomingMigrations = configuration.limits.incoming ?? MigrationLimits.withoutLinks
    return cluster
  }

  func obstacle(at report: HostReport) -> ClusterSnapshot.Obstacle? {
    ClusterSnapshot.Obstacle(to: report, nodes[report.host])
  }

  mutating func nextPlan() -> PlanID {
    planCount += 1
    return PlanID(rawValue: "p\(configuration.epoch)-\(planCount)")
  }

  mutating func answer(
    _ task: TaskMessage, with result: TaskResult, to arrival: TaskArrival
  ) -> CoordinatorEffect {
    var result = result
    if !task.warnings.isEmpty {
      result.details = ([result.details].compactMap { $0 } + task.warnings).joined(separator: "; ")
    }
    ledger.finish(task.id, with: result)
    return .answer(result, to: arrival)
  }

  mutating func set(_ host: HostName, to state: NodeReport.State, because reason: String) -> CoordinatorEffect {
    let report = NodeReport(host: host, state: state, reason: reason)
    nodes[host] = report
    return .publishNode(withStrays(report))
  }
}

extension MigrationMachine {
  /// Whether memory on the destination is promised to it, or taken by it.
  fileprivate var occupiesDestination: Bool {
    if case .failed = state { false } else { true }
  }
}
