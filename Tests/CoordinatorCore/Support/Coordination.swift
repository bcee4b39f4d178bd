import ClusterModel
import CoordinatorCore
import MigfraProtocol

/// A coordinator in virtual time, with hosts that do what a test says, when it says so.
///
/// Its hosts' machines are kept here; nobody reports or answers unless told to. Timers fire as time passes.
struct Coordination {
  private(set) var machine: CoordinatorMachine
  private(set) var now = Duration.zero
  /// Everything that the coordinator wanted so far.
  private(set) var effects: [CoordinatorEffect] = []
  /// The machines on each host.
  var vms: [HostName: [VirtualMachine]] = [:]
  private var capacities: [HostName: HostCapacity] = [:]
  private var epochs: [HostName: Epoch] = [:]
  private var sequences: [HostName: Int] = [:]
  private var timers: [(at: Duration, timer: CoordinatorTimer)] = []
  private var taskCount = 0

  static let route = TaskArrival(
    sequence: 0, route: ReplyRoute(topic: "fast/coordinator/result", correlationData: [1]))

  /// Hosts of 16 GiB and 16 CPUs that have reported; each with machines of 1 GiB and 1 CPU.
  init(
    _ hosts: KeyValuePairs<HostName, [VMName]> = [:], outgoing: Int = 2, incoming: Int = 2, keptPlans: Int = 50
  ) {
    self.init(hosts, MigrationLimits(outgoing: outgoing, incoming: incoming), keptPlans: keptPlans)
  }

  init(_ hosts: KeyValuePairs<HostName, [VMName]>, _ limits: MigrationLimits, keptPlans: Int = 50) {
    machine = CoordinatorMachine(
      CoordinatorMachine.Configuration(epoch: 7, limits: limits, keptPlans: keptPlans))
    for (host, names) in hosts { add(host, names.map { .sample($0) }) }
  }

  var moment: Moment { Moment(uptime: now, unixTime: 1_000_000 + now.inSeconds) }

  // MARK: Hosts

  mutating func add(
    _ host: HostName, memory: Int = 16, cpus: Int = 16, bandwidth: Int? = nil, _ vms: [VirtualMachine] = []
  ) {
    var capacity = HostCapacity.sample(memory, cpus)
    capacity.bandwidthMiB = bandwidth
    capacities[host] = capacity
    self.vms[host] = vms
    epochs[host] = 1
    report(host)
  }

  /// The host says what it has.
  mutating func report(_ hosts: HostName..., isReachable: Bool = true) {
    for host in hosts {
      sequences[host, default: 0] += 1
      handle(
        .hostReported(
          HostReport(
            host: host, presence: .online, epoch: epochs[host] ?? 1, sequence: sequences[host] ?? 1,
            capacity: capacities[host] ?? .sample(16, 16), isHypervisorReachable: isReachable, vms: vms[host] ?? [])))
    }
  }

  /// The broker says that the worker is gone.
  mutating func lose(_ host: HostName) {
    handle(.hostReported(HostReport(host: host, presence: .offline, epoch: epochs[host] ?? 1)))
  }

  /// The worker begins a new life, and says what the host has.
  mutating func restart(_ host: HostName) {
    epochs[host, default: 1] += 1
    sequences[host] = 0
    report(host)
  }

  /// A machine changes hosts; nobody says so yet.
  mutating func carry(_ vm: VMName, _ source: HostName, to destination: HostName) {
    let carried = vms[source]?.filter { $0.name == vm } ?? []
    vms[source]?.removeAll { $0.name == vm }
    vms[destination, default: []] += carried
  }

  // MARK: Tasks

  /// Asks for an evacuation; returns the task.
  @discardableResult
  mutating func evacuate(
    _ host: HostName, id: TaskID? = nil, _ evacuation: NodeEvacuation = NodeEvacuation(),
    from route: TaskArrival = Self.route
  ) -> TaskID {
    send(.evacuate(evacuation), for: host, id: id, from: route)
  }

  @discardableResult
  mutating func send(
    _ body: TaskMessage.Body, for host: HostName?, id: TaskID? = nil, from route: TaskArrival = Self.route
  ) -> TaskID {
    taskCount += 1
    let id = id ?? TaskID(rawValue: "task-\(taskCount)")
    handle(.taskReceived(TaskMessage(id: id, host: host, body: body), from: route))
    return id
  }

  /// The orders given to workers so far.
  var orders: [TaskMessage] {
    effects.compactMap { if case .send(let task, _) = $0 { task } else { nil } }
  }

  /// The orders given to workers so far: "a:n1>n2".
  var sent: [String] {
    effects.compactMap { effect in
      guard case .send(let task, let host) = effect, case .migrate(let migration) = task.body else { return nil }
      return "\(migration.vm):\(host)>\(migration.destination)"
    }
  }

  /// The last order to move the machine: its id, its source, its destination.
  func order(_ vm: VMName) -> (task: TaskID, source: HostName, destination: HostName)? {
    for case .send(let task, let host) in effects.reversed() {
      if case .migrate(let migration) = task.body, migration.vm == vm, let id = task.id {
        return (id, host, migration.destination)
      }
    }
    return nil
  }

  /// The worker answers the last order for the machine.
  mutating func answer(_ vm: VMName, failing code: ErrorCode? = nil, details: String = "cause") {
    guard let order = order(vm) else { return }
    let outcome = code.map { VMOutcome(vm: vm, failure: $0, details: details) } ?? VMOutcome(vm: vm, details: "0")
    handle(.workerAnswered(TaskResult(title: .vmMigrated, id: order.task, entries: [outcome]), from: order.source))
  }

  /// The machine moves as ordered; both ends report, then the worker answers.
  mutating func complete(_ vm: VMName) {
    guard let order = order(vm) else { return }
    carry(vm, order.source, to: order.destination)
    report(order.destination, order.source)
    answer(vm)
  }

  // MARK: What came of it

  /// The answers to a task, in order.
  func answers(_ id: TaskID) -> [TaskResult] {
    effects.compactMap { if case .answer(let result, _) = $0, result.id == id { result } else { nil } }
  }

  /// What was said of a host, in order.
  func states(_ host: HostName) -> [NodeReport.State] {
    effects.compactMap { if case .publishNode(let report) = $0, report.host == host { report.state } else { nil } }
  }

  /// Each plan as it was published last, in order of first publication.
  var plans: [PlanReport] {
    var plans: [PlanReport] = []
    for case .publishPlan(let report) in effects {
      if let index = plans.firstIndex(where: { $0.id == report.id }) {
        plans[index] = report
      } else {
        plans.append(report)
      }
    }
    return plans
  }

  // MARK: Time

  mutating func handle(_ event: CoordinatorEvent) {
    let wanted = machine.handle(event, at: moment)
    for case .setTimer(let timer, let pause) in wanted { timers.append((now + pause, timer)) }
    effects += wanted
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
