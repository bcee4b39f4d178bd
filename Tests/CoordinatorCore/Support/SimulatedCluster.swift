import ClusterModel
import CoordinatorCore
import MigfraProtocol

/// A small world around a coordinator: hosts with machines, workers that carry out what they are told, a broker.
///
/// Until `faultsEnd`, answers and reports come late, twice or, reports, in the wrong order; migrations fail; workers
/// die, lose their journal or the connection, and come back. A migration that has begun is finished by libvirt
/// whatever becomes of the worker. Nothing that the broker has taken is lost.
struct SimulatedCluster {
  enum Event {
    case toCoordinator(CoordinatorEvent)
    case toWorker(TaskMessage, HostName)
    /// libvirt has finished moving a machine, or has given up; the worker's task ends with it.
    case migrationEnds(VMName, from: HostName, to: HostName, ErrorCode?)
    case fault
    case workerReturns(HostName, losingJournal: Bool)
    case request
  }

  private(set) var machine: CoordinatorMachine
  private(set) var now = Duration.zero
  private(set) var hosts: [HostName: SimulatedHost] = [:]
  /// What the coordinator wants, with each event that made it want so.
  private(set) var log: [String] = []
  /// Answers to each task, and how often each was sent.
  private(set) var answers: [TaskID: [TaskResult]] = [:]
  private(set) var requests: [TaskID: (task: TaskMessage, count: Int)] = [:]
  /// How often each order was given to a worker.
  private(set) var orders: [TaskID: Int] = [:]
  private(set) var states: [HostName: NodeReport.State] = [:]
  private var generator: SeededGenerator
  private var events = EventQueue<Event>()
  /// Machines that libvirt is moving.
  private var moving: Set<VMName> = []
  private var vmCount = 0
  let configuration: CoordinatorMachine.Configuration
  static let faultsEnd = Duration.seconds(240)

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    configuration = CoordinatorMachine.Configuration(
      epoch: 7, outgoingMigrations: Int.random(in: 1...3, using: &generator),
      incomingMigrations: Int.random(in: 1...3, using: &generator), keptPlans: 5)
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

  private var names: [HostName] { hosts.keys.sorted() }
  private var hasFaults: Bool { now < Self.faultsEnd }

  /// Lets the next thing happen; nil: nothing more will.
  mutating func step() -> [CoordinatorEffect]? {
    guard let (at, event) = events.next() else { return nil }
    now = at
    switch event {
    case .toCoordinator(let event): return handle(event)
    case .toWorker(let task, let host): receive(task, on: host)
    case .migrationEnds(let vm, let source, let destination, let failure):
      end(vm, from: source, to: destination, failure)
    case .fault: strike()
    case .workerReturns(let host, let isLost): bringBack(host, losingJournal: isLost)
    case .request: request()
    }
    return []
  }

  // MARK: The coordinator

  private mutating func handle(_ event: CoordinatorEvent) -> [CoordinatorEffect] {
    let effects = machine.handle(event, at: Moment(uptime: now, unixTime: now.inSeconds))
    for effect in effects {
      switch effect {
      case .send(let task, let host):
        log.append("\(now) send \(task.id ?? "") to \(host)")
        if let id = task.id { orders[id, default: 0] += 1 }
        for _ in 0..<(hasFaults && generator.happens(10) ? 2 : 1) { events.add(.toWorker(task, host), at: later(500)) }
      case .answer(let result, _):
        log.append("\(now) answer \(result.id ?? "") \(result.status?.rawValue ?? "") \(result.details ?? "")")
        if let id = result.id { answers[id, default: []].append(result) }
      case .publishNode(let report):
        log.append("\(now) \(report.host) \(report.state.rawValue) \(report.reason)")
        states[report.host] = report.state
      case .setTimer(let timer, let pause): events.add(.toCoordinator(.timerFired(timer)), at: now + pause)
      case .publishPlan, .forgetPlan, .note: break
      }
    }
    return effects
  }

  private mutating func later(_ milliseconds: Int) -> Duration {
    now + .milliseconds(Int.random(in: 1...(hasFaults ? milliseconds * 4 : milliseconds), using: &generator))
  }

  // MARK: Requests

  private mutating func request() {
    let host = names.randomElement(using: &generator) ?? "n1"
    let body: TaskMessage.Body
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: body = .cordon(reason: "by hand")
    case 1, 2: body = .uncordon
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
        .toCoordinator(.taskReceived(task, from: ReplyRoute(topic: "fast/coordinator/result"))), at: later(5000))
    }
  }

  // MARK: Machines

  private mutating func start(on host: HostName) {
    vmCount += 1
    let vm = VirtualMachine.sample(
      VMName(rawValue: "v\(vmCount)"), memory: Int.random(in: 1...3, using: &generator))
    guard let room = hosts[host], room.usedMemoryKiB + vm.memoryKiB <= room.capacity.memoryKiB else { return }
    hosts[host]?.vms.append(vm)
  }

  private mutating func end(_ vm: VMName, from source: HostName, to destination: HostName, _ failure: ErrorCode?) {
    moving.remove(vm)
    hosts[destination]?.vms.removeAll { $0.name == vm && $0.state == .arriving }
    if failure == nil, let carried = hosts[source]?.vms.first(where: { $0.name == vm }) {
      hosts[source]?.vms.removeAll { $0.name == vm }
      hosts[destination]?.vms.append(carried)
    }
    log.append("\(now) \(vm) \(source)>\(destination) \(failure.map { "\($0)" } ?? "moved")")
    publishState(of: source)
    publishState(of: destination)
    if hosts[source]?.worker != .dead { judge(vm, on: source, failure) }
  }

  // MARK: Workers

  private mutating func receive(_ task: TaskMessage, on host: HostName) {
    guard let worker = hosts[host], let id = task.id else { return }
    guard worker.worker == .online else {
      hosts[host]?.inbox.append(task)
      return
    }
    if let answer = worker.answers[id] { return send(answer, from: host) }
    guard !worker.open.contains(where: { $0.id == id }) else { return }
    hosts[host]?.open.append(task)
    if case .migrate(let migration) = task.body, let notAfter = task.notAfter, now.inSeconds > notAfter {
      return judge(migration.vm, on: host, .expired, only: id)
    }
    work(on: host)
  }

  /// Takes up what is open: begins it, or answers it by what is seen.
  private mutating func work(on host: HostName) {
    for task in hosts[host]?.open ?? [] {
      guard case .migrate(let migration) = task.body, !moving.contains(migration.vm) else { continue }
      begin(migration, on: host)
    }
  }

  private mutating func begin(_ migration: VMMigration, on host: HostName) {
    let vm = hosts[host]?.vms.first { $0.name == migration.vm && $0.state.isActive }
    guard let vm else { return judge(migration.vm, on: host, .notFound) }
    moving.insert(vm.name)
    var arriving = vm
    arriving.state = .arriving
    hosts[migration.destination]?.vms.append(arriving)
    log.append("\(now) begins \(vm.name) \(host)>\(migration.destination)")
    publishState(of: migration.destination)
    var failure: ErrorCode?
    if hasFaults, generator.happens(25) {
      failure = ([.hypervisor, .destination, .timeout, .exists] as [ErrorCode]).randomElement(using: &generator)
    }
    events.add(
      .migrationEnds(vm.name, from: host, to: migration.destination, failure),
      at: now + .milliseconds(Int.random(in: 100...20_000, using: &generator)))
  }

  /// Answers the tasks for a machine by where it is now.
  private mutating func judge(_ vm: VMName, on host: HostName, _ failure: ErrorCode?, only meant: TaskID? = nil) {
    for task in hosts[host]?.open ?? [] {
      guard case .migrate(let migration) = task.body, migration.vm == vm, let id = task.id, meant ?? id == id else {
        continue
      }
      hosts[host]?.open.removeAll { $0.id == id }
      // Too late is too late, wherever the machine may be.
      let isThere =
        failure != .expired
        && hosts[migration.destination]?.vms.contains { $0.name == vm && $0.state.isActive } == true
      let outcome =
        isThere ? VMOutcome(vm: vm) : VMOutcome(vm: vm, failure: failure ?? .notFound, details: "it did not work")
      let answer = TaskResult(title: .vmMigrated, id: id, entries: [outcome])
      hosts[host]?.answers[id] = answer
      send(answer, from: host)
    }
  }

  private mutating func send(_ answer: TaskResult, from host: HostName) {
    guard hosts[host]?.worker == .online else {
      hosts[host]?.outbox.append(answer)
      return
    }
    for _ in 0..<(hasFaults && generator.happens(10) ? 2 : 1) {
      events.add(.toCoordinator(.workerAnswered(answer, from: host)), at: later(1000))
    }
  }

  private mutating func publishState(of host: HostName) {
    guard hosts[host]?.worker == .online, let report = hosts[host]?.report(host) else { return }
    deliver(report)
    // A copy of it may come when it is old news.
    if hasFaults, generator.happens(10) { events.add(.toCoordinator(.hostReported(report)), at: later(10_000)) }
  }

  private mutating func deliver(_ report: HostReport) {
    let at = max(later(500), hosts[report.host]?.lastDelivery ?? .zero)
    hosts[report.host]?.lastDelivery = at
    events.add(.toCoordinator(.hostReported(report)), at: at)
  }

  // MARK: Faults

  private mutating func strike() {
    let host = names.randomElement(using: &generator) ?? "n1"
    guard hosts[host]?.worker == .online else { return }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0...3: takeAway(host, .unheard)
    case 4...6: takeAway(host, .dead)
    case 7:
      hosts[host]?.isReachable.toggle()
      publishState(of: host)
    default:
      // Machines come to a host only where nobody has promised its memory.
      guard machine.evacuations.contains(where: { $0.request.source == host }) else { return }
      start(on: host)
      publishState(of: host)
    }
  }

  private mutating func takeAway(_ host: HostName, _ fate: SimulatedHost.Worker) {
    log.append("\(now) \(host) \(fate)")
    hosts[host]?.worker = fate
    deliver(HostReport(host: host, presence: .offline, epoch: hosts[host]?.epoch ?? 1))
    let pause = generator.happens(80) ? 30_000 : 120_000
    events.add(
      .workerReturns(host, losingJournal: fate == .dead && generator.happens(30)),
      at: now + .milliseconds(Int.random(in: 1000...pause, using: &generator)))
  }

  private mutating func bringBack(_ host: HostName, losingJournal: Bool) {
    log.append("\(now) \(host) is back\(losingJournal ? " without its journal" : "")")
    let wasDead = hosts[host]?.worker == .dead
    hosts[host]?.worker = .online
    hosts[host]?.isReachable = true
    if wasDead {
      hosts[host]?.epoch += 1
      hosts[host]?.sequence = 0
    }
    if losingJournal {
      hosts[host]?.open = []
      hosts[host]?.answers = [:]
      hosts[host]?.outbox = []
    }
    publishState(of: host)
    let inbox = hosts[host]?.inbox ?? []
    let outbox = hosts[host]?.outbox ?? []
    hosts[host]?.inbox = []
    hosts[host]?.outbox = []
    if wasDead {
      let open = hosts[host]?.open ?? []
      hosts[host]?.open = []
      for task in open { receive(task, on: host) }
    }
    for task in inbox { receive(task, on: host) }
    for answer in outbox { send(answer, from: host) }
  }
}
