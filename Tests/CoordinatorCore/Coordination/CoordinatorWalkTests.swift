import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

/// The coordinator in a small world where everything that can go wrong does.
@Suite("A coordinator among failing hosts")
struct CoordinatorWalkTests {
  @Test("keeps its promises at every step, and brings everything to an end", arguments: 0..<20)
  func randomWalk(round: UInt64) {
    var moved = 0
    var ends: Set<TaskResult.Status?> = []
    var lives = 0
    for seed in round * 1000..<round * 1000 + 12 {
      var cluster = SimulatedCluster(seed: seed)
      var problem: String?
      while problem == nil, let effects = cluster.step() {
        problem = effects.lazy.compactMap { Self.problem(with: $0, in: cluster) }.first ?? Self.problem(in: cluster)
      }
      problem = problem ?? Self.problemAtEnd(of: cluster)
      #expect(problem == nil, "seed \(seed) at \(cluster.now)\n\(cluster.log.suffix(60).joined(separator: "\n"))")
      moved += cluster.orders.count
      lives += cluster.lives
      ends.formUnion(cluster.answers.values.map { $0[0].status })
    }
    // Four ends of evacuations, and exchanges, whose answers have none.
    #expect(
      moved > 20 && ends.count == 5 && lives > 0,
      "seeds from \(round * 1000): too little happens, \(moved) \(ends) \(lives)")
  }

  /// What must hold of anything that the coordinator wants.
  private static func problem(with effect: CoordinatorEffect, in cluster: SimulatedCluster) -> String? {
    switch effect {
    case .send(let task, _):
      if case .cancel = task.body { return nil }
      guard case .migrate(let migration) = task.body else { return "an order that is no migration" }
      // What is repeated may be on its way to a host that has been asked to be emptied since.
      if let id = task.id, cluster.orders[id] == 1,
        cluster.machine.evacuations.contains(where: { $0.empties(migration.destination) })
      {
        return "\(id) goes to \(migration.destination), which is being emptied"
      }
      return nil
    case .publishNode(let report) where report.state == .drained:
      let left = cluster.machine.roster[report.host]?.activeVMs.map(\.name) ?? []
      return left.isEmpty ? nil : "\(report.host) is called drained with \(left)"
    default: return nil
    }
  }

  /// What must hold of the coordinator and of the hosts at any moment.
  private static func problem(in cluster: SimulatedCluster) -> String? {
    var leaving: [HostName: Int] = [:]
    var arriving: [HostName: Int] = [:]
    var moving: Set<String> = []
    for step in cluster.machine.swaps.flatMap(\.steps) where step.migration.task != nil {
      let vm = step.migration.move.vm
      guard moving.insert(vm.uuid).inserted else { return "\(vm.name) is moved by two" }
    }
    for migration in cluster.machine.evacuations.flatMap(\.migrations) where migration.task != nil {
      leaving[migration.move.source, default: 0] += 1
      arriving[migration.move.destination, default: 0] += 1
      guard moving.insert(migration.move.vm.uuid).inserted else { return "\(migration.move.vm.name) is moved by two" }
    }
    let limits = cluster.configuration.limits
    if let total = limits.total, leaving.values.reduce(0, +) > total { return "too many at once" }
    if let most = limits.outgoing, let host = leaving.first(where: { $0.value > most })?.key {
      return "too many leave \(host)"
    }
    if let most = limits.incoming, let host = arriving.first(where: { $0.value > most })?.key {
      return "too many enter \(host)"
    }
    for (name, host) in cluster.hosts where host.usedMemoryKiB > host.capacity.memoryKiB {
      return "\(name) has too little memory"
    }
    for (id, answers) in cluster.answers {
      if answers.contains(where: { $0 != answers[0] }) { return "two answers to \(id)" }
      if answers.count > cluster.requests[id]?.count ?? 0 { return "\(id) is answered too often" }
    }
    return nil
  }

  /// What must hold when nothing happens any more.
  private static func problemAtEnd(of cluster: SimulatedCluster) -> String? {
    // Saved for an exchange whose worker was away for too long: the answer has told so.
    let told = cluster.answers.values.flatMap { $0 }.flatMap(\.entries).compactMap(\.details)
    for (host, vm) in cluster.hosts.flatMap({ host in host.value.vms.map { (host.key, $0) } })
    where vm.state == .shutOff {
      if !told.contains(where: { $0.contains(vm.name.rawValue) }) { return "\(vm.name) is left saved on \(host)" }
    }
    if let open = cluster.machine.swaps.first { return "the exchange \(open.id) has no end" }
    if let open = cluster.machine.evacuations.first { return "\(open.id) has no end" }
    if let id = cluster.requests.keys.first(where: { cluster.answers[$0] == nil }) { return "\(id) has no answer" }
    if let host = cluster.states.first(where: { $0.value == .draining })?.key {
      return "\(host) is still being emptied"
    }
    return nil
  }
}
