public import ClusterModel
public import MigfraProtocol

/// The exchange of two machines that fit beside each other: both migrate at the same time.
///
///     crossing ──both have moved──▶ exchanged
///        └──one has moved, the other cannot──▶ returning ──▶ failed, both at home (or told where each is)
///        └──neither can──▶ failed, both at home
public struct SwapMachine: Sendable, Equatable, Codable {
  public enum State: Sendable, Equatable, Codable {
    case crossing
    /// The one that has moved goes home.
    case returning
    case exchanged
    case failed
  }

  public let id: PlanID
  public let task: TaskMessage
  public let arrival: TaskArrival
  private let type: MigrationType
  public private(set) var state = State.crossing { didSet { revision += 1 } }
  /// The machine of the task, its partner, and the way home of one of them.
  public private(set) var legs: [MigrationMachine] { didSet { revision += 1 } }
  private var orderCount = 0
  private var orders: [TaskID: TaskMessage] = [:]
  private var began: Duration
  /// Grows with each change that must survive the coordinator.
  private(set) var revision = 0

  private enum CodingKeys: CodingKey {
    case id, task, arrival, type, state, legs, orderCount, orders, began
  }

  public init(
    id: PlanID, task: TaskMessage, to destination: HostName, type: MigrationType, retries: Int,
    from arrival: TaskArrival,
    first: VirtualMachine, on source: HostName, second: VirtualMachine, at now: Moment
  ) {
    self.id = id
    self.task = task
    self.type = type
    self.arrival = arrival
    began = now.uptime
    legs = [
      MigrationMachine(Plan.Move(vm: first, source: source, destination: destination), allowedRetries: retries),
      MigrationMachine(Plan.Move(vm: second, source: destination, destination: source), allowedRetries: retries),
    ]
  }

  /// What the task asks for; its machine is that of the first leg.
  private var wish: VMMigration? {
    if case .migrate(let wish) = task.body { wish } else { nil }
  }

  /// The clock has begun anew: what was at `time` is at `time + shift`.
  mutating func shift(by shift: Duration) {
    began += shift
    for index in legs.indices { legs[index].shift(by: shift) }
  }

  public var isOver: Bool { state == .exchanged || state == .failed }

  /// Orders for what can begin now, and the hosts that get them.
  mutating func startWaiting(patience: Duration, at now: Moment) -> [(message: TaskMessage, host: HostName)] {
    legs.indices.filter { legs[$0].state == .waiting }.map { index in
      let move = legs[index].move
      orderCount += 1
      let order = TaskID(rawValue: "\(id)/\(index)/\(orderCount)")
      legs[index].start(as: order, at: now)
      let message = TaskMessage(
        id: order, host: move.source,
        body: .migrate(
          VMMigration(
            vm: move.vm.name, destination: move.destination, type: type, retries: 0, tuning: tuning(of: index))),
        measuresTime: true, notAfter: (now.unixTime + patience.inSeconds).rounded())
      orders[order] = message
      return (message, move.source)
    }
  }

  /// Pins belong to the way there; home, the machine is as libvirt has it.
  private func tuning(of leg: Int) -> MigrationTuning {
    guard let wish else { return MigrationTuning() }
    var tuning = wish.tuning
    let isPartner = legs[leg].move.vm.uuid == legs[1].move.vm.uuid
    if isPartner { tuning.hookProcesses = wish.partner?.hookProcesses }
    tuning.vcpuMap = leg == 2 ? nil : isPartner ? wish.partner?.vcpuMap : wish.tuning.vcpuMap
    return tuning
  }

  /// Orders without an answer, of the workers of `host`.
  func openOrders(of host: HostName) -> [TaskMessage] {
    legs.filter { $0.move.source == host }.compactMap { leg in leg.task.flatMap { orders[$0] } }
  }

  func concerns(_ uuid: String) -> Bool { legs.contains { $0.move.vm.uuid == uuid } }
  func concerns(_ host: HostName) -> Bool { legs[0].move.source == host || legs[0].move.destination == host }
  func hasOrder(_ task: TaskID) -> Bool { legs.contains { $0.task == task } }

  /// Takes a worker's answer; nil: it answers nothing that runs.
  mutating func finish(
    _ task: TaskID, with outcome: VMOutcome, at now: Moment
  ) -> MigrationMachine.Consequence? {
    guard let index = legs.firstIndex(where: { $0.task == task }) else { return nil }
    let consequence = legs[index].finish(task, with: outcome, at: now)
    settle()
    return consequence
  }

  mutating func retry(_ vm: VMName, generation: Int) {
    for index in legs.indices where legs[index].move.vm.name == vm { legs[index].retry(generation: generation) }
  }

  /// Nobody knows what became of what is under way.
  mutating func giveUp(details: String) {
    for index in legs.indices { legs[index].fail(.noWorker, details: details) }
    settle()
  }

  private mutating func settle() {
    guard legs.allSatisfy(\.isFinal) else { return }
    switch state {
    case .crossing:
      let moved = legs.filter(\.isMoved)
      if moved.count == 2 {
        state = .exchanged
      } else if let one = moved.first,
        !legs.contains(where: { $0.state == .failed(.inDoubt) || $0.state == .failed(.noWorker) })
      {
        state = .returning
        let way = one.move
        legs.append(
          MigrationMachine(
            Plan.Move(vm: way.vm, source: way.destination, destination: way.source), allowedRetries: 5))
      } else {
        state = .failed
      }
    case .returning: state = .failed
    case .exchanged, .failed: break
    }
  }

  /// The one answer, about the task's machine; of the other it tells where it is.
  public func answer(with roster: WorkerRoster, at now: Moment) -> TaskResult {
    let vm = legs[0].move.vm
    var times: [TimeMeasurement] = []
    if task.measuresTime {
      times = [TimeMeasurement("overall", seconds: (now.uptime - began).inSeconds)] + legs[0].times.dropOverall
      let partner = legs[1].move.vm.name
      times += legs[1].times.dropOverall.map { time in
        time.tag.hasSuffix("-\(partner)") ? time : TimeMeasurement("\(time.tag)-\(partner)", seconds: time.seconds)
      }
    }
    let entry: VMOutcome
    if state == .exchanged {
      entry = VMOutcome(
        vm: vm.name, details: "\(legs[0].retries + legs[1].retries)",
        processID: roster.processID(of: vm.uuid, on: legs[0].move.destination), times: times)
    } else {
      let failed = legs.first { if case .failed = $0.state { true } else { false } }
      let code: ErrorCode = if case .failed(let code)? = failed?.state { code } else { .internal }
      entry = VMOutcome(
        vm: vm.name, failure: code, details: "not exchanged: \(failed?.details ?? "no cause is known"); \(whereabouts)",
        times: times)
    }
    return TaskResult(title: .vmMigrated, id: task.id, scheduler: "global", entries: [entry])
  }

  private var whereabouts: String {
    if let home = legs.dropFirst(2).first {
      let other = legs[0].move.vm.uuid == home.move.vm.uuid ? legs[1] : legs[0]
      guard home.isMoved else {
        return "\(home.move.vm.name) is on \(home.move.source) and could not go home (\(home.details ?? "")), "
          + "\(other.move.vm.name) stayed on \(other.move.source)"
      }
      return "both are back where they were"
    }
    if legs.contains(where: { $0.state == .failed(.inDoubt) || $0.state == .failed(.noWorker) }) {
      return legs.map { leg in
        "\(leg.move.vm.name) \(leg.isMoved ? "is on \(leg.move.destination)" : "may be on either host")"
      }.joined(separator: ", ")
    }
    return "both stayed where they were"
  }
}

extension [TimeMeasurement] {
  fileprivate var dropOverall: [TimeMeasurement] { filter { $0.tag != "overall" } }
}
