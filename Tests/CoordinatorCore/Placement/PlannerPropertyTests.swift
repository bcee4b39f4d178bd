import ClusterModel
import CoordinatorCore
import Testing
import VirtualTime

/// Plans for clusters of every kind: what must hold of each of them.
@Suite("Any plan")
struct PlannerPropertyTests {
  static let seeds: [UInt64] = Array(0..<25)
  static let perSeed = 16

  @Test("keeps the planner's promises", arguments: seeds)
  func promises(round: UInt64) {
    var placed = 0
    var left = 0
    for seed in round * 100..<round * 100 + UInt64(Self.perSeed) {
      var generator = SeededGenerator(seed: seed)
      let (request, cluster) = RandomCluster.make(&generator)
      let plan = Planner.plan(request, on: cluster)
      check(plan, request, cluster, seed)
      placed += plan.moves.count
      left += plan.unplaced.count
    }
    #expect(placed > 0 && left > 0, "seeds from \(round * 100): one kind of cluster is missing")
  }

  @Test("is made again from the same input, whatever the order of hosts and machines in it", arguments: seeds)
  func determinism(round: UInt64) {
    for seed in round * 100..<round * 100 + UInt64(Self.perSeed) {
      var generator = SeededGenerator(seed: seed)
      let (request, cluster) = RandomCluster.make(&generator)
      let plan = Planner.plan(request, on: cluster)
      let isRepeated = Planner.plan(request, on: cluster) == plan
      #expect(isRepeated, "seed \(seed)")
      var shuffled = cluster
      shuffled.hosts.shuffle(using: &generator)
      for index in shuffled.hosts.indices { shuffled.hosts[index].vms.shuffle(using: &generator) }
      let isIndependent = Planner.plan(request, on: shuffled) == plan
      #expect(isIndependent, "seed \(seed): the order of the input shows")
    }
  }

  private func check(_ plan: Plan, _ request: EvacuationRequest, _ cluster: ClusterSnapshot, _ seed: UInt64) {
    let source = cluster.hosts.first { $0.name == request.sources[0] }
    let asked = source?.vms.map(\.name).sorted() ?? []
    let named = Set(request.destinations)
    #expect((plan.moves.map(\.vm.name) + plan.homeless).sorted() == asked, "seed \(seed): each machine exactly once")
    for host in cluster.hosts {
      let received = plan.moves.filter { $0.destination == host.name }.map(\.vm)
      guard !received.isEmpty else { continue }
      #expect(host.name != request.sources[0], "seed \(seed): \(host.name) is the source")
      #expect(named.isEmpty || named.contains(host.name), "seed \(seed): \(host.name) was not listed")
      if let obstacle = host.obstacle {
        #expect(
          obstacle.kind == .unlessNamed && named.contains(host.name), "seed \(seed): \(host.name) may not receive")
      }
      let memory = received.reduce(host.usedMemoryKiB) { $0 + $1.memoryKiB }
      #expect(memory <= host.capacity.memoryKiB, "seed \(seed): \(host.name) has too little memory")
      let vcpus = received.reduce(host.usedVCPUs) { $0 + $1.vcpus }
      #expect(vcpus <= request.most(host), "seed \(seed): \(host.name) is overbooked")
      let load = plan.loads.first { $0.host == host.name }
      #expect(load?.memoryKiBAfter == memory && load?.vcpusAfter == vcpus, "seed \(seed): the load of \(host.name)")
    }
    for unplaced in plan.unplaced { checkReason(of: unplaced, plan, request, cluster, seed) }
  }

  /// What is left behind fits nowhere beside what was placed, and the reason says which of the two is missing.
  private func checkReason(
    of left: Plan.Unplaced, _ plan: Plan, _ request: EvacuationRequest, _ cluster: ClusterSnapshot, _ seed: UInt64
  ) {
    let named = Set(request.destinations)
    let targets = cluster.hosts.filter { host in
      host.name != request.sources[0] && (named.isEmpty || named.contains(host.name))
        && (host.obstacle == nil || host.obstacle?.kind == .unlessNamed && !named.isEmpty)
    }
    func received(_ host: ClusterSnapshot.Host) -> [VirtualMachine] {
      plan.moves.filter { $0.destination == host.name }.map(\.vm)
    }
    let withMemory = targets.filter { host in
      let used = received(host).reduce(host.usedMemoryKiB) { $0 + $1.memoryKiB }
      return host.capacity.memoryKiB - used >= left.vm.memoryKiB
    }
    let withBoth = withMemory.filter { host in
      request.most(host) - received(host).reduce(host.usedVCPUs) { $0 + $1.vcpus } >= left.vm.vcpus
    }
    #expect(withBoth.isEmpty, "seed \(seed): \(left.vm.name) would fit on \(withBoth.map(\.name))")
    switch left.cause {
    case .noDestination: #expect(targets.isEmpty, "seed \(seed): \(left.details)")
    case .memory: #expect(!targets.isEmpty, "seed \(seed): \(left.details)")
    case .constraint: Issue.record("seed \(seed): there are no constraints here: \(left.details)")
    case .vcpus: #expect(!request.overbooking || request.cpuRatio != nil, "seed \(seed): \(left.details)")
    }
    if request.overbooking, request.cpuRatio == nil {
      #expect(withMemory.isEmpty, "seed \(seed): \(left.vm.name) was to be overbooked")
    }
  }
}

extension EvacuationRequest {
  /// Virtual CPUs that a host which receives may have.
  fileprivate func most(_ host: ClusterSnapshot.Host) -> Int {
    overbooking ? host.capacity.virtualCPUs(atMost: cpuRatio) : host.capacity.cpus
  }
}

/// Clusters from roomy to full, with obstacles and reservations.
enum RandomCluster {
  static func make(_ generator: inout SeededGenerator) -> (EvacuationRequest, ClusterSnapshot) {
    let count = Int.random(in: 1...8, using: &generator)
    let fill = Int.random(in: 20...130, using: &generator)
    let hosts = (1...count).map { number in host(number, fill, &generator) }
    var request = EvacuationRequest(
      sources: ["n1"], mode: PlacementMode.allCases.randomElement(using: &generator) ?? .auto,
      overbooking: generator.happens(40))
    if request.overbooking, generator.happens(50) { request.cpuRatio = Double.random(in: 1...3, using: &generator) }
    if generator.happens(40) {
      request.destinations = hosts.map(\.name).filter { _ in generator.happens(70) }.shuffled(using: &generator)
      if generator.happens(20) { request.destinations.append("unknown") }
    }
    return (request, ClusterSnapshot(hosts: hosts))
  }

  private static func host(_ number: Int, _ fill: Int, _ generator: inout SeededGenerator) -> ClusterSnapshot.Host {
    let memory = [8, 16, 32, 64].randomElement(using: &generator) ?? 8
    let cpus = [2, 4, 8, 32].randomElement(using: &generator) ?? 8
    var host = ClusterSnapshot.Host.sample(HostName(rawValue: "n\(number)"), memory, cpus)
    while host.usedMemoryKiB < host.capacity.memoryKiB * fill / 200, host.vms.count < 12 {
      let name = VMName(rawValue: "v\(number)-\(host.vms.count)")
      host.vms.append(
        .sample(
          name, memory: Int.random(in: 1...max(1, memory / 3), using: &generator),
          vcpus: Int.random(in: 1...max(1, cpus / 2), using: &generator)))
    }
    if generator.happens(20) {
      host.reservedMemoryKiB = gib(Int.random(in: 0...4, using: &generator))
      host.reservedVCPUs = Int.random(in: 0...4, using: &generator)
    }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: host.obstacle = DestinationTests.draining
    case 1: host.obstacle = DestinationTests.cordoned
    default: break
    }
    return host
  }
}
