import ClusterModel
public import Placement

/// The best plan of a small case by branch and bound, for those without NUMA cells and racks; nil where it takes too many
/// steps.
public struct SmallOptimum {
  /// Unplaced machines, CPUs overbooked anew, and what the mode makes small: share, hosts, or imbalance and then share.
  public struct Value: Sendable, Comparable {
    public var unplaced: Int
    public var overbooked: Int
    public var hosts: Int
    public var share: Double

    public init(unplaced: Int, overbooked: Int, hosts: Int, share: Double) {
      self.unplaced = unplaced
      self.overbooked = overbooked
      self.hosts = hosts
      self.share = share
    }

    public static func < (left: Value, right: Value) -> Bool {
      (left.unplaced, left.overbooked, left.hosts, left.share)
        < (right.unplaced, right.overbooked, right.hosts, right.share)
    }
  }

  private let evacuation: Problem.Evacuation
  private var hosts: [Destinations.Host]
  private let fair: [Int]
  private let memory: [Int]
  private let cpus: [Int]
  private var received: [Int]
  /// `allowed[item][host]`: whether labels, and machines that stay, let it go there.
  private var allowed: [[Bool]]
  /// Groups of each item, and how many of a group are on a host.
  private let groupsOf: [[Int]]
  private var members: [[Int]]
  private let areAlike: Bool
  private let least: Double
  private let limit: ClosedRange<Int>
  private var best: Value
  private var steps: Int

  /// - Parameters:
  ///   - found: a plan's value, which is to be beaten.
  ///   - steps: how many places to try.
  /// - Returns: the least value there is.
  public static func value(of problem: Problem, atMost found: Value, steps: Int) -> Value? {
    guard case .evacuate(let evacuation) = problem.task, problem.cells.isEmpty,
      problem.groups.allSatisfy({ !$0.isByRack }), !evacuation.movesOthers, evacuation.moving.count <= 60
    else { return nil }
    var search = SmallOptimum(problem, evacuation, found, steps)
    search.place(0, Value(unplaced: 0, overbooked: 0, hosts: 0, share: 0))
    return search.steps > 0 ? search.best : nil
  }

  private init(_ problem: Problem, _ evacuation: Problem.Evacuation, _ found: Value, _ steps: Int) {
    self.evacuation = evacuation
    self.steps = steps
    let room = Destinations(problem, evacuation)
    hosts = room.hosts
    fair = room.hosts.map { max($0.cpus, $0.usedCPUs) }
    let order = room.memory.indices.sorted {
      room.memory[$0] != room.memory[$1] ? room.memory[$0] > room.memory[$1] : room.cpus[$0] > room.cpus[$1]
    }
    memory = order.map { room.memory[$0] }
    cpus = order.map { room.cpus[$0] }
    received = [Int](repeating: 0, count: hosts.count)
    var isMoving = [Bool](repeating: false, count: problem.vms.count)
    for vm in evacuation.moving { isMoving[vm] = true }
    var members = [[Int]](repeating: [Int](repeating: 0, count: room.hosts.count), count: problem.groups.count)
    var groupsOf = [[Int]](repeating: [], count: problem.vms.count)
    for (number, group) in problem.groups.enumerated() {
      for vm in group.vms {
        groupsOf[vm].append(number)
        guard !isMoving[vm], let host = evacuation.destinations.firstIndex(of: problem.vms[vm].host) else { continue }
        members[number][host] += 1
      }
    }
    self.members = members
    self.groupsOf = order.map { groupsOf[evacuation.moving[$0]] }
    allowed = order.map { item in
      let row = problem.vms[evacuation.moving[item]].requirement * problem.hosts.count
      return evacuation.destinations.map { problem.allowed[row + $0] }
    }
    areAlike = problem.groups.isEmpty && problem.allowed.allSatisfy { $0 }
    least = CaseBounds(problem).share
    let count = memory.count - found.unplaced
    let even = count / max(1, hosts.count)
    limit = even...(even + (count % max(1, hosts.count) > 0 ? 1 : 0))
    best = found
  }

  private mutating func place(_ item: Int, _ value: Value) {
    steps -= 1
    guard steps > 0, bounded(value) < best else { return }
    guard item < memory.count else {
      if evacuation.mode == .scatter, received.contains(where: { !limit.contains($0) }) { return }
      best = value
      return
    }
    var tried: Set<[Int]> = []
    for host in hosts.indices {
      let room = hosts[host]
      let usedMemory = room.usedMemory + memory[item]
      let usedCPUs = room.usedCPUs + cpus[item]
      guard usedMemory <= room.memory, evacuation.overbooking || usedCPUs <= fair[host],
        evacuation.mode != .scatter || received[host] < limit.upperBound, allowed[item][host],
        groupsOf[item].allSatisfy({ members[$0][host] == 0 })
      else { continue }
      // Of hosts that are alike one is enough.
      guard
        !areAlike || tried.insert([room.memory, room.cpus, room.usedMemory, room.usedCPUs, received[host]]).inserted
      else {
        continue
      }
      var next = value
      next.overbooked += max(0, usedCPUs - fair[host]) - max(0, room.usedCPUs - fair[host])
      if evacuation.mode == .compact {
        next.hosts += received[host] == 0 ? 1 : 0
      } else {
        next.share = max(
          next.share, Double(usedMemory) / Double(room.memory), Double(usedCPUs) / Double(max(1, room.cpus)))
      }
      hosts[host].usedMemory = usedMemory
      hosts[host].usedCPUs = usedCPUs
      received[host] += 1
      for group in groupsOf[item] { members[group][host] += 1 }
      place(item + 1, next)
      hosts[host] = room
      received[host] -= 1
      for group in groupsOf[item] { members[group][host] -= 1 }
      if steps <= 0 { return }
    }
    if value.unplaced < best.unplaced {
      var next = value
      next.unplaced += 1
      place(item + 1, next)
    }
  }

  /// What the value can still become.
  private func bounded(_ value: Value) -> Value {
    var bounded = value
    // A thousandth of a thousandth is not worth a proof.
    bounded.share =
      value.unplaced == 0 && evacuation.mode != .compact ? max(value.share, least) + 1e-6 : value.share + 1e-6
    if evacuation.mode == .compact { bounded.share = 0 }
    return bounded
  }
}
