public import ClusterModel
public import MigfraProtocol

/// Machines of one job that leave their hosts as one: the connections of all their processes are closed once before the
/// first moves, and opened once after each of them has an end.
///
///     waiting ──one of them may move──▶ closing ──all are held──▶ moving ──all have an end──▶ opening ──▶ over
///        │                                 └──one cannot be held, or all have an end─────────────▲        ▲
///        └──all have an end──────────────────────────────────────────────────────────────────────────────┘
///
/// Each member is held by the worker of its source, under a lease that is renewed: if nobody is left to release it, it is
/// opened all the same. Orders to move a member are those of any machine, so that a worker whose hold has ended closes and
/// opens for that one migration.
///
/// It does not send anything: it is told what became of the members' migrations and of its orders, and gives orders back.
public struct Gang: Sendable, Equatable, Codable {
  public enum Phase: String, Sendable, Codable {
    case waiting, closing, moving, opening, over
  }

  /// An order for a host's worker.
  public struct Order: Sendable, Equatable {
    public var message: TaskMessage
    public var host: HostName
  }

  struct Member: Sendable, Equatable, Codable {
    enum State: String, Sendable, Codable {
      /// Nothing is held.
      case free
      case closing, held, opening
      /// It could not be released: that is tried again.
      case stuck
    }

    let uuid: String
    let vm: VMName
    let source: HostName
    var state = State.free
    /// Without an answer so far.
    var order: TaskMessage?
    /// Nobody has to hold it: its machine, or its worker, is gone.
    var isLost = false
    var closingTimes: [TimeMeasurement] = []
    var openingTimes: [TimeMeasurement] = []

    init(_ move: Plan.Move) {
      (uuid, vm, source) = (move.vm.uuid, move.vm.name, move.source)
    }
  }

  public let job: JobName
  /// Whose connections, of each machine.
  let processes: HookProcesses
  private(set) var members: [Member]
  public private(set) var phase = Phase.waiting
  /// Why none of them moves.
  private(set) var flaw: String?
  /// Part of the orders' ids.
  private let prefix: String
  private var orderCount = 0

  /// Seconds that a hold lasts if it is not renewed; a coordinator that is restarted has that time.
  static let lease = 120
  static let renewal = Duration.seconds(lease / 3)

  /// The gangs among machines that are to move: those of a job that has two of them or more.
  static func all(of moves: [Plan.Move], processes: HookProcesses?, plan: PlanID) -> [Gang] {
    guard let processes, processes != .count(0) else { return [] }
    var byJob: [JobName: [Plan.Move]] = [:]
    for move in moves { if let job = move.vm.job { byJob[job, default: []].append(move) } }
    return byJob.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.enumerated().map { number, gang in
      Gang(gang.key, gang.value, processes: processes, prefix: "\(plan)/job-\(number)")
    }
  }

  private init(_ job: JobName, _ moves: [Plan.Move], processes: HookProcesses, prefix: String) {
    self.job = job
    self.processes = processes
    self.prefix = prefix
    members = moves.map(Member.init)
  }

  // MARK: What it says

  func concerns(_ uuid: String) -> Bool { members.contains { $0.uuid == uuid } }

  /// Those whose machine or worker is gone.
  var lost: [Member] { members.filter(\.isLost) }

  /// In the order of the plan.
  public var vms: [VMName] { members.map(\.vm) }
  /// It is under way, and the job's processes may be suspended.
  public var isActive: Bool { phase != .waiting && phase != .over }
  /// Its members move, or are about to.
  var isMoving: Bool { phase == .closing || phase == .moving }

  /// Whether nobody else may touch the machine. Of a job that is being opened that is so until all of it goes on: one
  /// that is open already would be closed anew while others are not even told to open.
  func holds(_ uuid: String) -> Bool {
    let isOpening = phase == .opening && members.contains { $0.state == .opening }
    return members.contains { $0.uuid == uuid && ($0.state != .free || isMoving || isOpening) }
  }

  func hasOrder(_ task: TaskID) -> Bool { members.contains { $0.order?.id == task } }

  /// Orders without an answer, of the worker of `host`.
  func openOrders(of host: HostName) -> [TaskMessage] { members.filter { $0.source == host }.compactMap(\.order) }

  /// What closing and opening took, around the times of the machine's own migration.
  public func times(of uuid: String, around own: [TimeMeasurement]) -> [TimeMeasurement] {
    guard let member = members.first(where: { $0.uuid == uuid }) else { return own }
    let overall = own.prefix { $0.tag == "overall" }
    return overall + member.closingTimes + own.dropFirst(overall.count) + member.openingTimes
  }

  // MARK: What happens

  /// One of its members may move: all are to be held first.
  /// - Parameter ended: members whose migration has an end.
  mutating func close(besides ended: Set<String>, patience: Duration, at now: Moment) -> [Order] {
    guard phase == .waiting else { return [] }
    phase = .closing
    return members.indices.filter { !ended.contains(members[$0].uuid) }.map { index in
      members[index].state = .closing
      return hold(index, within: patience, at: now)
    }
  }

  /// Takes a worker's answer; false: it answers nothing that is open.
  mutating func finish(_ task: TaskID, with outcome: VMOutcome) -> Bool {
    guard let index = members.firstIndex(where: { $0.order?.id == task }) else { return false }
    members[index].order = nil
    func times(_ tag: String) -> [TimeMeasurement] { outcome.times.filter { $0.tag.hasPrefix(tag) } }
    switch (members[index].state, outcome.isSuccess) {
    case (.closing, true):
      members[index].state = .held
      members[index].closingTimes = times("pscom-suspend")
    case (.closing, false):
      members[index].state = .free
      if outcome.code == .notFound {
        members[index].isLost = true
      } else {
        flaw = flaw ?? "\(members[index].vm) on \(members[index].source): \(outcome.details ?? "it gives no reason")"
      }
    case (.held, true): break
    // Its lease had ended: whoever moves it now has it closed and opened for that.
    case (.held, false): members[index].state = .free
    case (.opening, true):
      members[index].state = .free
      members[index].openingTimes = times("pscom-resume")
    case (.opening, false): members[index].state = .stuck
    case (.free, _), (.stuck, _): break
    }
    return true
  }

  /// Goes on with what is known now.
  /// - Parameter ended: machines whose migration has an end.
  mutating func advance(ended: Set<String>) -> [Order] {
    let isOver = members.allSatisfy { $0.isLost || ended.contains($0.uuid) }
    switch phase {
    case .waiting:
      if isOver { phase = .over }
      return []
    case .closing:
      if flaw != nil || isOver { return open() }
      if members.allSatisfy({ $0.state != .closing }) { phase = .moving }
      return []
    case .moving: return isOver ? open() : []
    case .opening:
      if members.allSatisfy({ $0.state == .free }) { phase = .over }
      return []
    case .over: return []
    }
  }

  private mutating func open() -> [Order] {
    phase = .opening
    let orders = members.indices.filter { members[$0].state != .free }.map { release($0) }
    if orders.isEmpty { phase = .over }
    return orders
  }

  /// Some time has passed: holds are renewed, and what could not be released is tried again.
  mutating func renew(at now: Moment) -> [Order] {
    switch phase {
    case .waiting, .over: return []
    case .closing, .moving:
      return members.indices.filter { members[$0].state == .held && members[$0].order == nil }.map {
        hold($0, within: .seconds(Self.lease), at: now)
      }
    case .opening: return members.indices.filter { members[$0].state == .stuck }.map { release($0) }
    }
  }

  /// The worker of a source is lost. It opens what it holds when it is there again.
  /// - Parameter whereabouts: where machines have moved to, by UUID.
  /// - Returns: orders for the hosts where its machines run now: their processes are told to go on from there.
  mutating func giveUp(_ source: HostName, whereabouts: [String: HostName]) -> [Order] {
    var orders: [Order] = []
    for index in members.indices where members[index].source == source && phase != .over {
      let wasHeld = members[index].state != .free
      members[index].state = .free
      members[index].order = nil
      members[index].isLost = true
      guard wasHeld, let host = whereabouts[members[index].uuid], host != source else { continue }
      let release = JobRelease(vm: members[index].vm, processes: processes)
      orders.append(Order(message: TaskMessage(id: nextID(index), host: host, body: .release(release)), host: host))
    }
    return orders
  }

  // MARK: Orders

  private mutating func nextID(_ index: Int) -> TaskID {
    orderCount += 1
    return TaskID(rawValue: "\(prefix)/\(index)/\(orderCount)")
  }

  /// It is void when it comes too late, as orders to move are.
  private mutating func hold(_ index: Int, within patience: Duration, at now: Moment) -> Order {
    let hold = JobHold(vm: members[index].vm, processes: processes, lease: Self.lease)
    return give(.hold(hold), to: index, notAfter: (now.unixTime + patience.inSeconds).rounded())
  }

  private mutating func release(_ index: Int) -> Order {
    members[index].state = .opening
    return give(.release(JobRelease(vm: members[index].vm)), to: index)
  }

  private mutating func give(_ body: TaskMessage.Body, to index: Int, notAfter: Double? = nil) -> Order {
    let host = members[index].source
    let message = TaskMessage(id: nextID(index), host: host, body: body, measuresTime: true, notAfter: notAfter)
    members[index].order = message
    return Order(message: message, host: host)
  }
}
