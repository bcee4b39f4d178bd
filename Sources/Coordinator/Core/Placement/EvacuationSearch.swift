import ClusterModel

/// Plans an evacuation: first the places, then the order.
struct EvacuationSearch {
  private let problem: Problem
  private let evacuation: Problem.Evacuation
  private let budget: Budget

  init(_ problem: Problem, _ evacuation: Problem.Evacuation, _ budget: Budget) {
    self.problem = problem
    self.evacuation = evacuation
    self.budget = budget
  }

  func solve() -> Solution {
    var ledger = Ledger(problem, items: evacuation.moving, evacuation: evacuation)
    var steps = budget.steps
    guard ledger.binCount > 0, ledger.itemCount > 0 else { return solution(ledger) }
    place(&ledger, &steps)
    keepApart(&ledger)
    if evacuation.movesOthers, ledger.unplacedCount > 0 {
      var making = MakingRoom(problem, evacuation, placed: ledger)
      var share = budget.steps
      making.run(steps: &share)
      making.keepApart()
      if making.ledger.unplacedCount < ledger.unplacedCount {
        return solution(making.ledger, order: making.order)
      }
    }
    return solution(ledger)
  }

  /// Without overbooking first; with it only if it was asked for and somebody has no place otherwise.
  private func place(_ ledger: inout Ledger, _ steps: inout Int) {
    let needsOverbooking = evacuation.overbooking && Bounds.unplaced(ledger) > Bounds.unplaced(overbookable(ledger))
    if !needsOverbooking {
      arrange(&ledger, &steps)
      guard evacuation.overbooking, ledger.unplacedCount > 0 else { return }
    }
    var relaxed = overbookable(ledger.emptied)
    var share = max(steps, budget.steps / 4)
    arrange(&relaxed, &share)
    if relaxed.unplacedCount < ledger.unplacedCount { ledger = relaxed }
  }

  /// Leaves behind who would meet one that has been left behind in its rack.
  private func keepApart(_ ledger: inout Ledger) {
    while let item = (0..<ledger.itemCount).first(where: { ledger.constraints.meetsLeftBehind($0, ledger.bin) }) {
      ledger.remove(item)
    }
  }

  private func arrange(_ ledger: inout Ledger, _ steps: inout Int) {
    switch evacuation.mode {
    case .auto: AutoMode.place(&ledger, steps: &steps)
    case .scatter: ScatterMode.place(&ledger, steps: &steps)
    case .compact:
      let items = SizeOrder.descending(0..<ledger.itemCount, in: ledger)
      Spreading.place(items, in: &ledger)
      if ledger.unplacedCount > 0 { Packing.improve(&ledger, steps: &steps) }
      if ledger.overbooked > 0 { limitOverbooking(&ledger, &steps) }
      var mode = CompactMode(ledger.emptied)
      mode.place(&ledger, steps: &steps)
    }
  }

  /// Spreads what must be overbooked, and lets no bin be overbooked further than that from now on.
  private func limitOverbooking(_ ledger: inout Ledger, _ steps: inout Int) {
    ledger.clear()
    var share = steps / 2
    let given = share
    AutoMode.place(&ledger, steps: &share)
    steps -= given - share
    var peak = 1.0
    for bin in 0..<ledger.binCount where ledger.received[bin] > 0 {
      peak = max(peak, Double(ledger.cpus[bin]) * ledger.cpuInverse[bin])
    }
    for bin in 0..<ledger.binCount {
      let cpus = Double(problem.hosts[ledger.hostOf[bin]].cpus)
      ledger.cpuLimit[bin] = min(ledger.cpuLimit[bin], Int(cpus * peak + 1e-6))
    }
  }

  private func overbookable(_ ledger: Ledger) -> Ledger {
    var copy = ledger
    for bin in 0..<copy.binCount {
      copy.cpuLimit[bin] = max(copy.cpuFair[bin], evacuation.limit(of: problem.hosts[copy.hostOf[bin]]))
    }
    return copy
  }

  /// - Parameter order: the order in which items can move one after another, where memory makes them wait.
  private func solution(_ ledger: Ledger, order: [Int]? = nil) -> Solution {
    var solution = Solution()
    var jobs: [Scheduler.Job] = []
    for item in 0..<ledger.itemCount {
      let vm = ledger.vmOf[item]
      guard ledger.bin[item] >= 0 else {
        solution.unplaced.append(vm)
        continue
      }
      let destination = ledger.hostOf[ledger.bin[item]]
      let source = problem.vms[vm].host
      if source == destination { continue }
      solution.placements.append(
        Solution.Placement(vm: vm, destination: destination, cell: ledger.constraints.cellOrNone(item)))
      jobs.append(
        Scheduler.Job(
          vm: vm, source: source, destination: destination,
          duration: problem.migrationTime(of: vm, from: source, to: destination)))
    }
    if let order {
      solution.steps = Rearrangement.steps(
        problem, order.map { (vm: ledger.vmOf[$0], destination: ledger.hostOf[ledger.bin[$0]]) })
    } else {
      solution.steps = Scheduler(problem, jobs).steps(attempts: 6)
    }
    return solution
  }
}
