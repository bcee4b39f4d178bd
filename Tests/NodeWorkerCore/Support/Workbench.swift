import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// A worker in virtual time; its operations end when and how a test says.
struct Workbench {
  private(set) var machine: WorkerMachine
  private(set) var now = Duration.zero
  /// Everything that the worker wanted so far.
  private(set) var effects: [WorkerEffect] = []
  /// Operations that are being performed, in the order in which they began.
  private(set) var running: [(id: OperationID, operation: Operation)] = []
  private var timers: [(at: Duration, timer: WorkerTimer)] = []
  private var sequence: Int64 = 0

  static let route = ReplyRoute(topic: "fast/migfra/n1/result")
  static let inventory = HostInventory(
    capacity: HostCapacity(memoryKiB: 1 << 24, cpus: 8), hypervisor: "test 1",
    vms: [VirtualMachine(name: "a", uuid: "uuid-a", state: .running, memoryKiB: 1 << 20, vcpus: 1)])

  /// Whether the journal can be written.
  var journalFlaw: String?

  /// A worker of host n1; it has seen its hypervisor unless that is what a test is about.
  init(
    starts: Int = 4, migrations: Int = 4, retries: Int = 3, hasInventory: Bool = true, mayQuit: Bool = false,
    jobs: [SuspendedJob] = []
  ) {
    machine = WorkerMachine(
      WorkerMachine.Configuration(
        host: "n1", epoch: 5, journal: "j", version: "1", parallelStarts: starts, outgoingMigrations: migrations,
        migrationType: .warm, retries: retries, mayQuit: mayQuit))
    for job in jobs { machine.recall(job) }
    if hasInventory { handle(.inventoryTaken(Self.inventory)) }
  }

  var moment: Moment { Moment(uptime: now, unixTime: 1_000_000 + now.inSeconds) }

  mutating func handle(_ event: WorkerEvent) {
    let wanted = machine.handle(event, at: moment)
    for effect in wanted {
      switch effect {
      case .setTimer(let timer, let pause): timers.append((now + pause, timer))
      case .perform(let id, let operation): running.append((id, operation))
      default: break
      }
    }
    effects += wanted
    for effect in wanted {
      if case .rememberJob(let job) = effect { handle(.jobRemembered(job, flaw: journalFlaw)) }
    }
  }

  /// The connection to the broker has stood for a while.
  mutating func connect() {
    handle(.busConnected)
    pass(.seconds(2))
    handle(.caughtUp)
  }

  mutating func announce(_ processes: String..., of vm: VMName = "a") {
    for process in processes { handle(.processReported(vm, process: process, PscomProcessReport(.running))) }
  }

  mutating func answer(_ request: PscomRequest?, _ processes: String..., of vm: VMName = "a") {
    for process in processes { handle(.processAnswered(vm, process: process, PscomAnswer(request))) }
  }

  /// What the processes of jobs were asked: "suspend a 1 2", "resume b any".
  var asked: [String] {
    effects.compactMap { effect in
      guard case .askProcesses(let request, let job) = effect else { return nil }
      switch job.audience {
      case .processes(let names): return "\(request.rawValue) \(job.vm) \(names.sorted().joined(separator: " "))"
      case .everyProcess: return "\(request.rawValue) \(job.vm) any"
      }
    }
  }

  /// Operations that were to be ended.
  var aborted: [OperationID] { effects.compactMap { if case .abort(let id) = $0 { id } else { nil } } }

  /// Gives the worker a task; returns the journal's number for it.
  @discardableResult
  mutating func receive(_ body: TaskMessage.Body, id: TaskID? = nil, from route: ReplyRoute = Self.route) -> Int64 {
    receive(TaskMessage(id: id, body: body), from: route)
  }

  @discardableResult
  mutating func receive(_ task: TaskMessage, from route: ReplyRoute = Self.route) -> Int64 {
    sequence += 1
    handle(.taskReceived(task, TaskArrival(sequence: sequence, route: route)))
    return sequence
  }

  /// A task of the last incarnation that has no answer yet.
  mutating func recall(_ task: TaskMessage) {
    sequence += 1
    handle(.taskReceived(task, TaskArrival(sequence: sequence, route: Self.route, isRecalled: true)))
  }

  /// The operations that are being performed: "stop a".
  var work: [String] { running.map { "\($0.operation.word) \($0.operation.vm?.rawValue ?? "?")" } }

  /// The first running operation on the machine ends.
  mutating func finish(_ vm: VMName, _ outcome: OperationOutcome? = nil) {
    guard let index = running.firstIndex(where: { $0.operation.vm == vm }) else { return }
    let id = running.remove(at: index).id
    handle(.operationFinished(id, outcome ?? .success(vm: vm)))
  }

  mutating func fail(_ vm: VMName, _ code: ErrorCode = .hypervisor, mayPass: Bool = false) {
    finish(vm, .failure(code, "cause", mayPass: mayPass))
  }

  /// The answers to what came as number `sequence`.
  func answers(_ sequence: Int64) -> [TaskResult] {
    effects.compactMap { effect in
      if case .answer(let result, let arrival) = effect, arrival.sequence == sequence { result } else { nil }
    }
  }

  /// What was handed to the coordinator, in order.
  var handedOver: [TaskMessage] {
    effects.compactMap { if case .handOver(let task) = $0 { task } else { nil } }
  }

  var announced: [HostReport] {
    effects.compactMap { if case .announce(let report) = $0 { report } else { nil } }
  }

  /// Time passes, and what is due fires.
  mutating func pass(_ duration: Duration) {
    let end = now + duration
    while let next = timers.indices.min(by: { timers[$0].at < timers[$1].at }), timers[next].at <= end {
      let due = timers.remove(at: next)
      now = max(now, due.at)
      handle(.timerFired(due.timer))
    }
    now = end
  }
}

extension Operation {
  var word: String {
    switch self {
    case .start: "start"
    case .stop: "stop"
    case .suspend: "suspend"
    case .resume: "resume"
    case .repin: "repin"
    case .hold: "hold"
    case .release: "release"
    case .examine: "examine"
    case .migrate: "migrate"
    }
  }
}

extension TaskMessage.Body {
  static func stop(_ vms: VMName...) -> Self { .stop(vms.map { VMStop(vm: $0) }) }
  static func start(_ vms: VMName...) -> Self { .start(vms.map { VMStart(source: .defined($0), name: $0) }) }
  static func migrate(_ vm: VMName, retries: Int? = nil, hook: HookProcesses? = nil) -> Self {
    var tuning = MigrationTuning()
    tuning.hookProcesses = hook
    return .migrate(VMMigration(vm: vm, destination: "n2", retries: retries, tuning: tuning))
  }
}
