import ClusterModel
import CoordinatorCore
import Foundation
import MigfraProtocol
import VirtualTime

/// A small world around a coordinator: hosts with machines, workers that carry out what they are told, a broker.
///
/// Until `faultsEnd`, answers and reports come late, twice or, reports, in the wrong order; migrations fail; workers
/// die, lose their journal or the connection, and come back. A migration that has begun is finished by libvirt
/// whatever becomes of the worker. Nothing that the broker has taken is lost.
struct SimulatedCluster {
  enum Event {
    case toCoordinator(CoordinatorEvent)
    /// A timer of one life of the coordinator; the next knows nothing of it.
    case timer(CoordinatorTimer, life: UInt64)
    case coordinatorReturns
    case toWorker(TaskMessage, HostName)
    /// libvirt has finished moving a machine, or has given up; the worker's task ends with it.
    case migrationEnds(VMName, from: HostName, to: HostName, ErrorCode?)
    case stageEnds(OfflineStage, VMName, from: HostName, to: HostName, ErrorCode?)
    case fault
    case workerReturns(HostName, losingJournal: Bool)
    case request
  }

  private(set) var machine: CoordinatorMachine
  private(set) var now = Duration.zero
  var hosts: [HostName: SimulatedHost] = [:]
  /// What the coordinator wants, with each event that made it want so.
  var log: [String] = []
  /// Answers to each task, and how often each was sent.
  private(set) var answers: [TaskID: [TaskResult]] = [:]
  private(set) var requests: [TaskID: (task: TaskMessage, count: Int)] = [:]
  /// How often each order was given to a worker.
  private(set) var orders: [TaskID: Int] = [:]
  private(set) var states: [HostName: NodeReport.State] = [:]
  /// Of the coordinator, after the first.
  private(set) var lives = 0
  var generator: SeededGenerator
  var events = EventQueue<Event>()
  /// Machines whose migration was cancelled and will end so.
  var givenUp: Set<VMName> = []
  /// Machines that libvirt is moving.
  var moving: Set<VMName> = []
  var vmCount = 0
  private(set) var configuration: CoordinatorMachine.Configuration
  /// Its process runs; what comes for it meanwhile waits at the broker.
  private var isCoordinatorUp = true
  private var waiting: [CoordinatorEvent] = []
  /// Its journal: tasks with their answers by number, and operations.
  private var journal: [Int64: (task: TaskMessage, answer: TaskResult?)] = [:]
  private var saved: [PlanID: SavedOperation] = [:]
  private var sequence: Int64 = 0
  /// What each host's topic holds.
  private var reports: [HostName: HostReport] = [:]
  static let faultsEnd = Duration.seconds(240)

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    let limits = MigrationLimits(
      total: seed.isMultiple(of: 3) ? 1 + Int(seed % 4) : nil,
      outgoing: Int.random(in: 1...3, using: &generator), incoming: Int.random(in: 1...3, using: &generator),
      bandwidthMiB: seed.isMultiple(of: 2) ? 1192 : nil)
    configuration = CoordinatorMachine.Configuration(epoch: 7, limits: limits, keptPlans: 5)
    machine = CoordinatorMachine(configuration)
    for number in 1...Int.random(in: 3...6, using: &generator) {
      let name = HostName(rawValue: "n\(number)")
      hosts[name] = SimulatedHost(capacity: .sample(Int.random(in: 8...16, using: &generator), 64))
      for _ in 0..<Int.random(in: 0...6, using: &generator) { start(on: name) }
      publishState(of: name)
    }
    for _ in 0..<10 { events.add(.request, at: .milliseconds(Int.random(in: 0...150_000, using: &generator))) }
    for _ in 0..<12 { events.add(.fault, at: .milliseconds(Int.random(in: 0...200_000, using: &generator))) }
  }

  var names: [HostName] { hosts.keys.sorted() }
  var hasFaults: Bool { now < Self.faultsEnd }

  /// Lets the next thing happen; nil: nothing more will.
  mutating func step() -> [CoordinatorEffect]? {
    guard let (at, event) = events.next() else { return nil }
    now = at
    switch event {
    case .toCoordinator(let event): return deliver(event)
    case .timer(let timer, let life): return life == configuration.epoch ? handle(.timerFired(timer)) : []
    case .coordinatorReturns: return startAgain()
    case .toWorker(let task, let host): receive(task, on: host)
    case .migrationEnds(let vm, let source, let destination, let failure):
      end(vm, from: source, to: destination, failure)
    case .stageEnds(let stage, let vm, let source, let destination, let failure):
      end(stage, of: vm, from: source, to: destination, failure)
    case .fault: strike()
    case .workerReturns(let host, let isLost): bringBack(host, losingJournal: isLost)
    case .request: request()
    }
    return []
  }

  // MARK: The coordinator

  /// The broker hands something over, or keeps it until there is somebody.
  private mutating func deliver(_ event: CoordinatorEvent) -> [CoordinatorEffect] {
    if case .hostReported(let report) = event { keep(report) }
    guard isCoordinatorUp else {
      waiting.append(event)
      return []
    }
    guard case .taskReceived(let task, let arrival) = event else { return handle(event) }
    sequence += 1
    journal[sequence] = (task, nil)
    return handle(.taskReceived(task, from: TaskArrival(sequence: sequence, route: arrival.route)))
  }

  /// A topic holds what its host said last, whatever comes to readers late.
  private mutating func keep(_ report: HostReport) {
    guard let known = reports[report.host] else { return reports[report.host] = report }
    let isNewer = (report.epoch, report.sequence) > (known.epoch, known.sequence)
    if isNewer || report.presence != .online && report.epoch >= known.epoch { reports[report.host] = report }
  }

  private mutating func handle(_ event: CoordinatorEvent) -> [CoordinatorEffect] {
    perform(machine.handle(event, at: Moment(uptime: now, unixTime: now.inSeconds)))
  }

  /// Does what the coordinator wants; at times it dies in the middle of it. Returns what was done.
  private mutating func perform(_ wanted: [CoordinatorEffect]) -> [CoordinatorEffect] {
    guard isCoordinatorUp else { return [] }
    var effects = wanted
    let dies = hasFaults && !wanted.isEmpty && generator.happens(3)
    if dies { effects = Array(wanted.prefix(Int.random(in: 0...wanted.count, using: &generator))) }
    for effect in effects {
      switch effect {
      case .save(let operations): for operation in operations { saved[operation.operation.id] = operation }
      case .drop(let plan): saved[plan] = nil
      case .forget(let arrival): journal[arrival.sequence] = nil
      case .send(let task, let host):
        log.append("\(now) send \(task.id ?? "") to \(host)")
        if let id = task.id { orders[id, default: 0] += 1 }
        for _ in 0..<(hasFaults && generator.happens(10) ? 2 : 1) { events.add(.toWorker(task, host), at: later(500)) }
      case .answer(let result, let arrival):
        journal[arrival.sequence]?.answer = result
        log.append("\(now) answer \(result.id ?? "") \(result.status?.rawValue ?? "") \(result.details ?? "")")
        if let id = result.id { answers[id, default: []].append(result) }
      case .publishNode(let report):
        log.append("\(now) \(report.host) \(report.state.rawValue) \(report.reason)")
        states[report.host] = report.state
      case .setTimer(let timer, let pause): events.add(.timer(timer, life: configuration.epoch), at: now + pause)
      case .publishPlan, .forgetPlan, .note, .keepOrigins, .forgetOrigins, .readUp: break
      }
    }
    if dies {
      log.append("\(now) the coordinator dies")
      isCoordinatorUp = false
      events.add(.coordinatorReturns, at: now + .milliseconds(Int.random(in: 100...20_000, using: &generator)))
    }
    return effects
  }

  /// The next life of the coordinator: the journal, then what the broker keeps, then what has waited.
  private mutating func startAgain() -> [CoordinatorEffect] {
    log.append("\(now) the coordinator is back")
    isCoordinatorUp = true
    lives += 1
    configuration.epoch += 1
    machine = CoordinatorMachine(configuration)
    let moment = Moment(uptime: now, unixTime: now.inSeconds)
    for (_, entry) in journal.sorted(by: { $0.key < $1.key }) {
      if let answer = entry.answer { machine.recall(entry.task, answeredWith: answer) }
    }
    var effects: [CoordinatorEffect] = []
    let continued = Set(saved.values.flatMap(\.operation.sequences))
    for operation in saved.values.sorted(by: { $0.operation.id < $1.operation.id }) {
      let isAnswered = operation.operation.sequence.map { journal[$0]?.answer != nil } ?? false
      effects += perform(machine.restore(operation.readBack, isAnswered: isAnswered, at: moment))
    }
    let kept = states.map { NodeReport(host: $0.key, state: $0.value, reason: "before") }
    var events: [CoordinatorEvent] = kept.sorted { $0.host < $1.host }.map { .nodeRecalled($0) }
    events += names.compactMap { reports[$0].map { .hostReported($0) } } + [.caughtUp]
    for (number, entry) in journal.sorted(by: { $0.key < $1.key })
    where entry.answer == nil && !continued.contains(number) {
      let route = ReplyRoute(topic: "fast/coordinator/result")
      events.append(
        .taskReceived(entry.task, from: TaskArrival(sequence: number, route: route, isRecalled: true)))
    }
    for event in events where isCoordinatorUp { effects += handle(event) }
    let late = waiting
    waiting = []
    for event in late { effects += deliver(event) }
    return effects
  }

  mutating func later(_ milliseconds: Int) -> Duration {
    now + .milliseconds(Int.random(in: 1...(hasFaults ? milliseconds * 4 : milliseconds), using: &generator))
  }

  // MARK: Requests

  /// Two machines, or names that nobody has.
  private mutating func exchange(on host: HostName) -> TaskMessage.Body {
    let other = names.randomElement(using: &generator) ?? host
    let vm = hosts[host]?.vms.randomElement(using: &generator)?.name ?? "nobody"
    let partner = hosts[other]?.vms.randomElement(using: &generator)?.name ?? "nobody"
    return .migrate(
      VMMigration(
        vm: vm, destination: other, retries: Int.random(in: 0...3, using: &generator),
        partner: SwapPartner(vm: partner)))
  }

  private mutating func request() {
    let host = names.randomElement(using: &generator) ?? "n1"
    let body: TaskMessage.Body
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: body = .cordon(reason: "by hand")
    case 1, 2: body = .uncordon
    case 3: body = exchange(on: host)
    case 4: body = .cancel(TaskID(rawValue: "t\(Int.random(in: 0..<10, using: &generator))"))
    default:
      var evacuation = NodeEvacuation(
        mode: PlacementMode.allCases.randomElement(using: &generator), bestEffort: generator.happens(70),
        isDryRun: generator.happens(10))
      evacuation.retries = Int.random(in: 0...3, using: &generator)
      if generator.happens(30) { evacuation.destinations = names.filter { _ in generator.happens(60) } }
      body = .evacuate(evacuation)
    }
    let id = TaskID(rawValue: "t\(requests.count)")
    let count = generator.happens(20) ? 2 : 1
    let task = TaskMessage(id: id, host: host, body: body)
    requests[id] = (task, count)
    for _ in 0..<count {
      events.add(
        .toCoordinator(
          .taskReceived(task, from: TaskArrival(sequence: 0, route: ReplyRoute(topic: "fast/coordinator/result")))),
        at: later(5000))
    }
  }
}

extension SavedOperation {
  /// As it comes back from the disk.
  var readBack: SavedOperation {
    // What cannot be written or read back would end the test's process with the reason: the walk has no other way.
    do {
      return try JSONDecoder().decode(SavedOperation.self, from: try JSONEncoder().encode(self))
    } catch {
      preconditionFailure("an operation cannot be kept: \(error)")
    }
  }
}
