import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// The worker's surroundings: clients, a hypervisor, a coordinator that comes and goes.
struct WorkerStorm {
  private enum Happening {
    case event(WorkerEvent)
    case task
    case coordinator
    case hypervisor
    case process
  }

  private var machine: WorkerMachine
  private var generator: SeededGenerator
  private var now = Duration.zero
  private var happenings = EventQueue<Happening>()
  private var running: [OperationID: Operation] = [:]
  /// Tasks as they came, by the journal's number; what was forgotten is a repeat.
  private var tasks: [Int64: TaskMessage] = [:]
  private var forgotten: Set<Int64> = []
  private var answers: [Int64: [TaskResult]] = [:]
  /// The last operation that began on each machine; they are numbered as their tasks came.
  private var latest: [VMName: OperationID] = [:]
  private var coordinator = CoordinatorReport(isOnline: false, epoch: 1)
  /// Processes that have closed their connections.
  private var closed: Set<String> = []
  private var lastRequest: [VMName: PscomRequest] = [:]
  private var remembered: Set<VMName> = []
  private(set) var log: [String] = []
  private(set) var problem: String?
  private let starts: Int
  private let migrations: Int
  private static let taskCount = 40
  private static let vms: [VMName] = ["a", "b", "c"]

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    starts = Int.random(in: 1...3, using: &generator)
    migrations = Int.random(in: 1...3, using: &generator)
    machine = WorkerMachine(
      WorkerMachine.Configuration(
        host: "n1", epoch: 1, journal: "j", version: "1", parallelStarts: starts, outgoingMigrations: migrations,
        retries: 2))
    for _ in 0..<Self.taskCount { happenings.add(.task, at: time(60_000)) }
    for _ in 0..<6 { happenings.add(.coordinator, at: time(60_000)) }
    for _ in 0..<6 { happenings.add(.hypervisor, at: time(60_000)) }
    for _ in 0..<8 { happenings.add(.process, at: time(60_000)) }
    happenings.add(.event(.busConnected), at: time(1000))
    happenings.add(.event(.inventoryTaken(Workbench.inventory)), at: .seconds(61))
  }

  private mutating func time(_ milliseconds: Int) -> Duration {
    now + .milliseconds(Int.random(in: 1...milliseconds, using: &generator))
  }

  /// Lets the next thing happen; false: nothing more will.
  mutating func step() -> Bool {
    guard let (at, happening) = happenings.next() else {
      checkEnd()
      return false
    }
    now = at
    switch happening {
    case .event(let event): handle(event)
    case .task: receive()
    case .coordinator: changeCoordinator()
    case .process: changeProcess()
    case .hypervisor:
      handle(generator.happens(50) ? .hypervisorLost("refused") : .inventoryTaken(Workbench.inventory))
    }
    return true
  }

  private mutating func receive() {
    let sequence = Int64(tasks.count + 1)
    let task: TaskMessage
    if let earlier = tasks.values.sorted(by: { ($0.id ?? "") < ($1.id ?? "") }).randomElement(using: &generator),
      generator.happens(20)
    {
      task = earlier
    } else {
      task = TaskMessage(
        id: generator.happens(80) ? TaskID(rawValue: "t\(Int.random(in: 0..<200, using: &generator))") : nil,
        body: body())
    }
    tasks[sequence] = task
    log.append("\(now) task \(sequence) \(task.kind.rawValue) \(task.vms) id \(task.id ?? "-")")
    let route = ReplyRoute(topic: "result")
    handle(.taskReceived(task, TaskArrival(sequence: sequence, route: route)))
  }

  private mutating func body() -> TaskMessage.Body {
    let vms = Self.vms.filter { _ in generator.happens(60) }
    guard let vm = vms.randomElement(using: &generator) else { return .uncordon }
    switch Int.random(in: 0..<11, using: &generator) {
    case 9: return .hold(JobHold(vm: vm, lease: Int.random(in: 1...40, using: &generator)))
    case 10: return .release(JobRelease(vm: vm, processes: generator.happens(30) ? .announced : nil))
    case 7: return .cancel(TaskID(rawValue: "t\(Int.random(in: 0..<200, using: &generator))"))
    case 8:
      var tuning = MigrationTuning()
      tuning.hookProcesses = generator.happens(50) ? .announced : .count(Int.random(in: 1...3, using: &generator))
      return .migrate(VMMigration(vm: vm, destination: "n2", tuning: tuning))
    case 0: return .start(vms.map { VMStart(source: .defined($0), name: $0) })
    case 1: return .stop(vms.map { VMStop(vm: $0) })
    case 2: return .suspend(vms)
    case 3: return .resume(vms)
    case 4, 5: return .migrate(VMMigration(vm: vm, destination: "n2"))
    default: return .evacuate(NodeEvacuation())
    }
  }

  /// A process of a job comes or goes.
  private mutating func changeProcess() {
    let vm = Self.vms[Int.random(in: 0..<3, using: &generator)]
    let process = "\(Int.random(in: 1...3, using: &generator))"
    let report = generator.happens(70) ? PscomProcessReport(.running) : nil
    if report == nil { closed.remove("\(vm)/\(process)") }
    handle(.processReported(vm, process: process, report))
  }

  /// What a request does to the processes, and when they say so.
  private mutating func ask(_ request: PscomRequest, _ job: SuspendedJob) {
    log.append("\(now) \(request.rawValue) \(job.vm) \(job.audience)")
    if request == .suspend, !remembered.contains(job.vm) { problem = "\(job.vm) is disturbed before it is on disk" }
    lastRequest[job.vm] = request
    happenings.add(.event(.processesAsked(job.vm, request)), at: time(200))
    let names: [String] =
      switch job.audience {
      case .processes(let names): names.sorted()
      case .everyProcess(let count): (1...count).map { "\($0)" }
      }
    for name in names {
      // Some never hear it, or never say so; what they were told last is what counts.
      if request == .suspend { closed.insert("\(job.vm)/\(name)") } else { closed.remove("\(job.vm)/\(name)") }
      guard generator.happens(90) else { continue }
      let answer = PscomAnswer(request, isSuccess: generator.happens(95))
      for _ in 0..<(generator.happens(10) ? 2 : 1) {
        happenings.add(.event(.processAnswered(job.vm, process: name, answer)), at: time(12_000))
      }
    }
  }

  private mutating func changeCoordinator() {
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: coordinator.isOnline = false
    case 1: coordinator.isOnline = true
    default: coordinator = CoordinatorReport(isOnline: true, epoch: coordinator.epoch + 1)
    }
    log.append("\(now) coordinator \(coordinator.epoch) \(coordinator.isOnline ? "online" : "offline")")
    handle(.coordinatorReported(coordinator))
  }

  private mutating func handle(_ event: WorkerEvent) {
    if case .operationFinished(let id, _) = event { running[id] = nil }
    for effect in machine.handle(event, at: Moment(uptime: now, unixTime: now.inSeconds)) { perform(effect) }
    checkLimits()
  }

  private mutating func perform(_ effect: WorkerEffect) {
    switch effect {
    case .perform(let id, let operation):
      log.append("\(now) perform \(id) \(operation.word) \(operation.vm ?? "?")")
      if running[id] != nil { problem = "operation \(id) is performed twice at once" }
      if case .migrate(let order) = operation, let hook = order.tuning.hookProcesses, hook != .announced,
        lastRequest[order.vm] != .suspend
      {
        problem = "\(order.vm) moves while its job's connections are open"
      }
      if let vm = operation.vm {
        if running.values.contains(where: { $0.vm == vm }) { problem = "two operations on \(vm)" }
        if let last = latest[vm], id < last { problem = "operation \(id) on \(vm) was overtaken by \(last)" }
        latest[vm] = id
      }
      running[id] = operation
      let end = WorkerEvent.operationFinished(id, outcome(of: operation))
      for _ in 0..<(generator.happens(5) ? 2 : 1) { happenings.add(.event(end), at: time(4000)) }
    case .answer(let result, let arrival):
      log.append("\(now) answer \(arrival.sequence) \(result.title.rawValue)")
      answers[arrival.sequence, default: []].append(result)
    case .echo: happenings.add(.event(.caughtUp), at: time(2000))
    case .forget(let arrival): forgotten.insert(arrival.sequence)
    case .setTimer(let timer, let pause):
      for _ in 0..<(generator.happens(5) ? 2 : 1) { happenings.add(.event(.timerFired(timer)), at: now + pause) }
    case .handOver(let task):
      log.append("\(now) hand over \(task.id ?? "-")")
      if generator.happens(5), let id = task.id { happenings.add(.event(.handOverUndeliverable(id)), at: time(100)) }
      let reply = WorkerEvent.coordinatorAnswered(TaskResult(title: task.kind.title, id: task.id, status: .success))
      // A reply may be lost with its coordinator; then its successor's birth, or its will, brings the answer.
      guard generator.happens(80) else {
        happenings.add(.coordinator, at: time(10_000))
        happenings.add(.event(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: .max))), at: .seconds(200))
        return
      }
      for _ in 0..<(generator.happens(10) ? 2 : 1) { happenings.add(.event(reply), at: time(8000)) }
    case .rememberJob(let job):
      remembered.insert(job.vm)
      let flaw = !job.isClosed && generator.happens(3) ? "disk full" : nil
      happenings.add(.event(.jobRemembered(job, flaw: flaw)), at: time(5))
    case .forgetJob(let vm): remembered.remove(vm)
    case .askProcesses(let request, let job): ask(request, job)
    case .abort(let id):
      log.append("\(now) abort \(id)")
      if running[id] == nil { problem = "operation \(id) is to be ended, and does not run" }
      let failure = OperationOutcome.failure(.cancelled, "cancelled", mayPass: false)
      if generator.happens(70) { happenings.add(.event(.operationFinished(id, failure)), at: time(100)) }
    case .announce, .publishProgress, .rememberCoordinator, .note, .finishSaying, .stop: break
    }
  }

  private mutating func outcome(of operation: Operation) -> OperationOutcome {
    if case .examine = operation, generator.happens(80) { return .ready }
    if generator.happens(65) { return .success(vm: operation.vm ?? "real") }
    return .failure(.hypervisor, "cause", mayPass: generator.happens(60))
  }

  private mutating func checkLimits() {
    let kinds = running.values.map(\.word)
    if kinds.count(where: { $0 == "start" }) > starts { problem = "too many starts" }
    if kinds.count(where: { $0 == "migrate" || $0 == "examine" }) > migrations { problem = "too many migrations" }
    for (sequence, given) in answers where given.count > 1 { problem = "task \(sequence) has \(given.count) answers" }
  }

  /// Each task has its answer, or was the repeat of one that has.
  private mutating func checkEnd() {
    for (sequence, task) in tasks {
      let isAnswered = answers[sequence] != nil
      if isAnswered == forgotten.contains(sequence) {
        problem = isAnswered ? "task \(sequence) is forgotten and answered" : "task \(sequence) has no answer"
      }
      if let answer = answers[sequence]?.first {
        if answer.id != task.id { problem = "task \(sequence) is answered under \(answer.id ?? "no id")" }
        let names = answer.entries.map(\.vm)
        if !task.vms.isEmpty, names != task.vms, answer.title != .taskCancelled {
          problem = "task \(sequence) is answered for \(names)"
        }
      }
    }
    if let process = closed.min() { problem = "process \(process) is left suspended" }
    if machine.runningOperations != 0 { problem = "\(machine.runningOperations) operations run for ever" }
  }
}
