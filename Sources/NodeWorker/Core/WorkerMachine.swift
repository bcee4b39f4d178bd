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

    public init(
      host: HostName, epoch: Epoch, journal: String, version: String, driver: String = "qemu", parallelStarts: Int = 4,
      outgoingMigrations: Int = 4, migrationType: MigrationType = .live, retries: Int = 3,
      coordinatorPatience: Duration = .seconds(3)
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
    }
  }

  let configuration: Configuration
  var ledger = TaskLedger()
  var tasks: [Int64: TaskInProgress] = [:]
  var operations: [OperationID: OperationInProgress] = [:]
  var handOvers = HandOvers()
  private var queue: OperationQueue
  private var operationCount = 0
  private var report: HostReport
  private var hasInventory = false
  /// Tasks with patterns that came before the first look at the hypervisor.
  var unexpanded: [(TaskMessage, TaskArrival)] = []
  /// Nothing is done before the hypervisor has been looked at, or is known to be away.
  private var isHypervisorKnown = false

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

  /// A task that was answered before this incarnation: a repeat of it gets the same answer.
  public mutating func recall(_ task: TaskMessage, answeredWith result: TaskResult) {
    if ledger.receive(task) == .new { ledger.finish(task.id, with: result) }
  }

  /// Operations that are being performed.
  public var runningOperations: Int { queue.runningCount }

  public mutating func handle(_ event: WorkerEvent, at now: Moment) -> [WorkerEffect] {
    switch event {
    case .busConnected: return announce()
    case .taskReceived(let task, let arrival): return receive(task, arrival, at: now)
    case .taskUnreadable(let error, let arrival):
      return [
        .note(Note(.warning, "a task could not be read", ["cause": error.description])),
        .answer(.unreadable(id: error.id, code: error.code, details: error.description), arrival),
      ]
    case .inventoryTaken(let inventory): return take(inventory) + expandPatterns(at: now)
    case .hypervisorLost(let cause):
      guard report.isHypervisorReachable else { return [] }
      report.isHypervisorReachable = false
      isHypervisorKnown = true
      return [.note(Note(.warning, "the hypervisor cannot be reached", ["cause": cause]))] + announce() + startReady()
        + expandPatterns(at: now)
    case .operationFinished(let id, let outcome): return finish(id, outcome, at: now)
    case .migrationProgressed(let id, let progress):
      return operations[id] == nil ? [] : [.publishProgress(progress)]
    case .coordinatorReported(let report): return coordinatorReported(report, at: now)
    case .coordinatorAnswered(let result): return coordinatorAnswered(result)
    case .handOverUndeliverable(let id):
      return abandon(handOvers.remove(id), .noCoordinator, "no coordinator listens; start migfra-coordinator")
    case .timerFired(.retry(let id)):
      guard let operation = operations[id], operation.isPausing else { return [] }
      operations[id]?.isPausing = false
      return [.perform(id, operation.operation)]
    case .timerFired(.coordinatorPatience): return coordinatorPatienceEnded(at: now)
    }
  }

  private mutating func take(_ inventory: HostInventory) -> [WorkerEffect] {
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
    return announce() + startReady()
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

  /// Begins a task's operations.
  mutating func begin(
    _ operations: [Operation], for task: TaskMessage, _ arrival: TaskArrival, retries: Int = 0, at now: Moment
  ) -> [WorkerEffect] {
    tasks[arrival.sequence] = TaskInProgress(arrival, task, entries: operations.count, at: now)
    for (index, operation) in operations.enumerated() {
      operationCount += 1
      let id = OperationID(operationCount)
      self.operations[id] = OperationInProgress(
        operation: operation, sequence: arrival.sequence, index: index, allowedRetries: retries, began: now.uptime)
      queue.enqueue(id, operation)
    }
    return startReady()
  }

  private mutating func startReady() -> [WorkerEffect] {
    guard isHypervisorKnown else { return [] }
    return queue.dequeue().compactMap { id in operations[id].map { .perform(id, $0.operation) } }
  }

  private mutating func finish(
    _ id: OperationID, _ outcome: OperationOutcome, at now: Moment
  ) -> [WorkerEffect] {
    guard var operation = operations[id], !operation.isPausing else { return [] }
    if case .failure(_, let cause, mayPass: true, _) = outcome, operation.retries < operation.allowedRetries {
      // Its place in the queue is kept, so that no later task for the machine overtakes it.
      operation.retries += 1
      operation.isPausing = true
      operations[id] = operation
      let metadata = ["vm": operation.operation.vm?.rawValue ?? "", "cause": cause, "retry": "\(operation.retries)"]
      return [
        .note(Note(.warning, "an operation failed and is tried again", metadata)),
        .setTimer(.retry(id), after: operation.pause),
      ]
    }
    queue.finish(id)
    operations[id] = nil
    var effects: [WorkerEffect] = []
    let entry = self.outcome(of: operation, outcome, at: now)
    if let index = tasks[operation.sequence].map({ _ in operation.index }),
      tasks[operation.sequence]?.set(entry, at: index) == true, let done = tasks.removeValue(forKey: operation.sequence)
    {
      effects.append(answer(done.arrival, with: done.result(host: configuration.host)))
    }
    return effects + startReady()
  }

  private func outcome(
    of operation: OperationInProgress, _ outcome: OperationOutcome, at now: Moment
  ) -> VMOutcome {
    let overall = TimeMeasurement("overall", seconds: (now.uptime - operation.began).inSeconds)
    let measures = tasks[operation.sequence]?.task.measuresTime == true
    switch outcome {
    case .success(let vm, let processID, let details, let times):
      let isMigration = if case .migrate = operation.operation { true } else { false }
      return VMOutcome(
        vm: vm, details: isMigration ? "\(operation.retries)" : details, processID: processID,
        times: measures ? [overall] + times : [])
    case .failure(let code, let details, _, let times):
      return VMOutcome(
        vm: operation.operation.vm ?? "unknown", failure: code, details: details,
        times: measures ? [overall] + times : [])
    }
  }

  /// Answers a task, and remembers the answer for its repeats.
  mutating func answer(_ arrival: TaskArrival, with result: TaskResult) -> WorkerEffect {
    ledger.finish(result.id, with: result)
    return .answer(result, arrival)
  }
}
