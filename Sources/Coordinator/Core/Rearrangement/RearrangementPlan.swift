import ClusterModel
import Placement

/// The steps that bring machines where they are wanted, in an order that memory allows.
struct RearrangementPlan {
  struct Step {
    var move: Plan.Move
    /// nil: a whole migration.
    var stage: PlanReport.Move.Stage?
    /// The steps that must have succeeded before, by number.
    var after: [Int] = []
  }

  var steps: [Step] = []
  var unplaced: [Plan.Unplaced] = []

  /// - Parameters:
  ///   - wanted: machines with where they are and where they shall be. The room on each destination is enough when all
  ///     have moved.
  ///   - cluster: with every machine of `wanted` on its source.
  init(_ wanted: [Plan.Move], unplaced: [Plan.Unplaced] = [], on cluster: ClusterSnapshot) {
    self.unplaced = unplaced
    guard !wanted.isEmpty else { return }
    var number: [HostName: Int] = [:]
    for (index, host) in cluster.hosts.enumerated() { number[host.name] = index }
    let moving = Set(wanted.map(\.vm.uuid))
    let targets = Set(wanted.map(\.destination))
    let hosts = cluster.hosts.map { host in
      let staying = host.vms.filter { !moving.contains($0.uuid) }
      var result = Problem.Host(
        memory: host.capacity.memoryKiB, cpus: host.capacity.cpus, inbound: cluster.incomingMigrations,
        outbound: cluster.outgoingMigrations,
        reservedMemory: host.reservedMemoryKiB + staying.reduce(0) { $0 + $1.memoryKiB },
        reservedCPUs: host.reservedVCPUs + staying.reduce(0) { $0 + $1.vcpus })
      // Nobody bounces over a host that takes no arrivals.
      if host.obstacle != nil, !targets.contains(host.name) { result.reservedMemory = host.capacity.memoryKiB }
      if let bandwidth = host.capacity.bandwidthMiB { result.bandwidth = bandwidth << 20 }
      return result
    }
    let machines = wanted.map { move in
      Problem.VM(memory: move.vm.memoryKiB, vcpus: move.vm.vcpus, host: number[move.source] ?? 0)
    }
    let mapping = wanted.enumerated().map { (vm: $0.offset, destination: number[$0.element.destination] ?? 0) }
    let problem = Problem(
      hosts: hosts, vms: machines, task: .rearrange(mapping), storage: Self.storageRate, mayBounce: true)
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 2))
    var last: [Int: Int] = [:]
    for step in solution.steps {
      let whole = wanted[step.vm]
      let source = step.source < 0 ? home(of: whole.vm) ?? whole.source : cluster.hosts[step.source].name
      let destination = step.destination < 0 ? whole.destination : cluster.hosts[step.destination].name
      var move = Plan.Move(vm: whole.vm, source: source, destination: destination)
      move.estimatedStart = Double(step.start) / 1e6
      move.estimatedEnd = Double(step.end) / 1e6
      let before = Set([step.after, last[step.vm] ?? -1].filter { $0 >= 0 }).sorted()
      last[step.vm] = steps.count
      let stage: PlanReport.Move.Stage? =
        switch step.kind {
        case .migrate: nil
        case .suspend: .save
        case .restore: .restore
        }
      steps.append(Step(move: move, stage: stage, after: before))
    }
    self.unplaced += solution.unplaced.map { index in
      Plan.Unplaced(
        vm: wanted[index].vm, source: wanted[index].source, cause: .memory,
        details: "no order of moves makes room for it on \(wanted[index].destination)")
    }
  }

  /// Where the machine was saved.
  private func home(of vm: VirtualMachine) -> HostName? {
    steps.last { $0.move.vm.uuid == vm.uuid && $0.stage == .save }?.move.source
  }

  /// Bytes per second, for estimates: what shared storage commonly takes.
  private static let storageRate = 500 << 20
}
