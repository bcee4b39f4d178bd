public import ClusterModel
public import MigfraProtocol

/// The worker's rules: takes what happened and the time, gives back what is to be done. No I/O, no clock.
public struct WorkerMachine: Sendable {
  public struct Configuration: Sendable {
    public var host: HostName
    /// Of this incarnation.
    public var epoch: Epoch
    /// Of the journal, so that ids made from its sequence numbers are unique although a new journal begins at 1.
    public var journal: String
    public var version: String
    /// libvirt's driver on this host; a task that names another is refused.
    public var driver: String
    /// Operations of a kind at once.
    public var parallelStarts: Int
    public var outgoingMigrations: Int
    /// For what a task leaves open.
    public var migrationType: MigrationType
    public var retries: Int
    /// How long a task for the coordinator waits for one to appear, or to come back.
    public var coordinatorPatience: Duration
    /// How long a task waits for a coordinator that had taken it, and keeps a journal, to come back.
    public var coordinatorReturn: Duration
    /// How long the processes of a job may take to answer.
    public var processPatience: Duration
    /// Whether one process of a job can be addressed, or only all at once.
    public var areProcessesAddressable: Bool
    /// Whether `quit` ends the worker.
    public var mayQuit: Bool

    public init(
      host: HostName, epoch: Epoch, journal: String, version: String, driver: String = "qemu", parallelStarts: Int = 4,
      outgoingMigrations: Int = 4, migrationType: MigrationType = .live, retries: Int = 3,
      coordinatorPatience: Duration = .seconds(3),
      coordinatorReturn: Duration = .seconds(60), processPatience: Duration = .seconds(10),
      areProcessesAddressable: Bool = true, mayQuit: Bool = false
    ) {
      self.host = host
      self.epoch = epoch
      self.journal = journal
      self.version = version
      self.driver = driver
      self.parallelStarts = parallelStarts
      self.outgoingMigrations = outgoingMigrations
      self.migrationType = migrationType
      self.retries = retries
      self.coordinatorPatience = coordinatorPatience
      self.coordinatorReturn = coordinatorReturn
      self.processPatience = processPatience
      self.areProcessesAddressable = areProcessesAddressable
      self.mayQuit = mayQuit
    }
  }

  let configuration: Configuration
  var ledger = TaskLedger()
  var tasks: [Int64: TaskInProgress] = [:]
  var operations: [OperationID: OperationInProgress] = [:]
  var handOvers = HandOvers()
  /// Of the newest coordinator that has made itself known; orders of older ones are refused.
  var newestCoordinator: Epoch = 0
  /// Cancels that wait for the end of the task, by that task's number.
  var cancels: [Int64: [(TaskMessage, TaskArrival)]] = [:]
  /// Jobs whose connections are not open.
  var jobs: [VMName: JobInProgress] = [:]
  var announced = AnnouncedProcesses()
  /// Whether what agents have announced has come in.
  var areProcessesKnown = false
  /// Who asked the worker to end; nothing is begun any more.
  var quit: (task: TaskMessage, arrival: TaskArrival)?
  var hasQuit = false
  var queue: OperationQueue
  var operationCount = 0
  private var report: HostReport
  private var hasInventory = false
  /// Tasks with patterns that came before the first look at the hypervisor.
  var unexpanded: [(TaskMessage, TaskArrival)] = []
  /// Nothing is done before the hypervisor has been looked at, or is known to be away.
  var isHypervisorKnown = false

  public init(_ configuration: Configuration) {
    self.configuration = configuration
    queue = OperationQueue(starts: configuration.parallelStarts, migrations: configuration.outgoingMigrations)
    report = HostReport(
      host: configuration.host, presence: .online, epoch: configuration.epoch, version: configuration.version)
  }

  /// What the worker says when it is stopped, so that nobody takes it for lost.
  public var farewell: HostReport {
    var farewell = report
    farewell.presence = .stopped
    farewell.sequence += 1
    return farewell
  }

  /// The newest coordinator that the last incarnation knew.
  public mutating func recall(coordinator epoch: Epoch) {
    newestCoordinator = max(newestCoordinator, epoch)
  }

  /// A task that was answered before this incarnation: a repeat of it gets the same answer.
  public mutating func recall(_ task: TaskMessage, answeredWith result: TaskResult) {
    // What came from a coordinator that was replaced does not count as a task.
    guard result.epoch == nil else { return }
    if ledger.receive(task) == .new { ledger.finish(task.id, with: result) }
  }

  /// Operations that are being performed.
  public var runningOperations: Int { queue.runningCount }

  public mutating func handle(_ event: WorkerEvent, at now: Moment) -> [WorkerEffect] {
    switch event {
    case .busConnected:
      return announce() + (areProcessesKnown ? [] : [.echo])
    case .taskReceived(let task, let arrival): return receive(task, arrival, at: now)
    case .taskUnreadable(let error, let arrival):
      return [
        .note(Note(.warning, "a task could not be read", ["cause": error.description])),
        .answer(.unreadable(id: error.id, code: error.code, details: error.description), arrival),
      ]
    case .taskUnwritten(let task, let arrival, let cause): return refuseUnwritten(task, arrival, cause)
    case .inventoryTaken(let inventory): return take(inventory, at: now) + expandPatterns(at: now)
    case .hypervisorLost(let cause):
      guard report.isHypervisorReachable else { return [] }
      report.isHypervisorReachable = false
      isHypervisorKnown = true
      return [.note(Note(.warning, "the hypervisor cannot be reached", ["cause": cause]))] + announce()
        + startReady(at: now) + expandPatterns(at: now)
    case .operationFinished(let id, let outcome): return operationFinished(id, outcome, at: now)
    case .migrationProgressed(let id, let progress):
      return operations[id] == nil ? [] : [.publishProgress(progress)]
    case .coordinatorReported(let report): return learn(of: report.epoch) + coordinatorReported(report, at: now)
    case .coordinatorAnswered(let result): return coordinatorAnswered(result)
    case .handOverUndeliverable(let id):
      return abandon(handOvers.remove(id), .noCoordinator, "no coordinator listens; start migfra-coordinator")
    case .processAnswered(let vm, let process, let answer): return processAnswered(vm, process, answer, at: now)
    case .processReported(let vm, let process, let report): return processReported(vm, process, report, at: now)
    case .jobRemembered(let job, let flaw): return jobRemembered(job, flaw, at: now)
    case .processesAsked(let vm, let request): return processesAsked(vm, request, at: now)
    case .everythingSaid: return hasQuit ? [.stop] : []
    case .recallEnded: return openAbandonedJobs(at: now)
    case .caughtUp: return learnedProcesses(at: now)
    case .timerFired(.retry(let id)):
      guard operations[id]?.stage == .pausing else { return [] }
      return attempt(id, at: now)
    case .timerFired(.processPatience(let vm, let generation)):
      return processPatienceEnded(vm, generation: generation, at: now)
    case .timerFired(.lease(let vm, let generation)): return leaseEnded(vm, generation: generation, at: now)
    case .timerFired(.coordinatorPatience): return coordinatorPatienceEnded(at: now)
    }
  }

  private mutating func take(_ inventory: HostInventory, at now: Moment) -> [WorkerEffect] {
    let isNews =
      !hasInventory || !report.isHypervisorReachable || report.vms != inventory.vms
      || report.capacity != inventory.capacity || report.hypervisor != inventory.hypervisor
    guard isNews else { return [] }
    hasInventory = true
    report.isHypervisorReachable = true
    report.capacity = inventory.capacity
    report.hypervisor = inventory.hypervisor
    report.vms = inventory.vms
    isHypervisorKnown = true
    return announce() + startReady(at: now)
  }

  /// The names of the machines that run or are paused; nil: nobody has looked yet.
  var activeVMs: [VMName]? {
    hasInventory ? report.activeVMs.map(\.name) : nil
  }

  /// Nothing is said before the hypervisor has been looked at: an empty list would be taken for an empty host.
  private mutating func announce() -> [WorkerEffect] {
    guard hasInventory else { return [] }
    report.sequence += 1
    return [.announce(report)]
  }

  /// Answers a task, and remembers the answer for its repeats.
  mutating func answer(_ arrival: TaskArrival, with result: TaskResult) -> WorkerEffect {
    ledger.finish(result.id, with: result)
    return .answer(result, arrival)
  }
}
