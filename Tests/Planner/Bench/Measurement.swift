import ClusterModel
import Placement
import PlannerCases

/// One case planned and judged.
struct Measurement {
  let family: String
  let size: PlannerCase.Size
  let name: String
  let mode: PlacementMode?
  /// Machines to move.
  let moves: Int
  /// Of planning alone, the best of some runs.
  let seconds: Double
  /// KiB that the process had at the most while it planned, the case included.
  let peakMemory: Int
  let judge: PlanJudge
  let bounds: CaseBounds
  /// The least that there is, where that could be proven.
  let optimum: SmallOptimum.Value?
  let firstFit: (used: Int, unplaced: Int)?
  let isFeasible: Bool
  let leastExtraMoves: Int
  let leastMakespan: Double

  init(_ planned: PlannerCase, budget: Budget, runs: Int) {
    family = planned.family
    size = planned.size
    name = planned.name
    isFeasible = planned.isFeasible
    leastExtraMoves = planned.leastExtraMoves ?? 0
    let problem = planned.problem
    var solution = Solution()
    var least = Double.infinity
    let clock = ContinuousClock()
    ProcessMemory.forgetPeak()
    for _ in 0..<runs {
      let start = clock.now
      solution = PlacementEngine.solve(problem, budget: budget)
      least = min(least, (clock.now - start) / .seconds(1))
    }
    seconds = least
    peakMemory = ProcessMemory.peak()
    judge = PlanJudge(solution, problem)
    bounds = CaseBounds(problem)
    switch problem.task {
    case .rearrange(let mapping):
      mode = nil
      moves = mapping.count
      optimum = nil
      firstFit = nil
      leastMakespan = judge.makespanBound
    case .evacuate(let evacuation):
      mode = evacuation.mode
      moves = evacuation.moving.count
      let isSmall = size == .small || size == .middle
      var found = SmallOptimum.Value(
        unplaced: judge.unplaced, overbooked: judge.overbooked,
        hosts: evacuation.mode == .compact ? judge.receivingHosts : 0,
        share: evacuation.mode == .compact ? 0 : judge.highestShare)
      // Any plan with equal numbers is better than one without.
      if evacuation.mode == .scatter, judge.imbalance > 0 {
        found = SmallOptimum.Value(unplaced: judge.unplaced, overbooked: .max, hosts: 0, share: .infinity)
      }
      optimum = isSmall ? SmallOptimum.value(of: problem, atMost: found, steps: 400_000) : nil
      firstFit =
        evacuation.mode == .compact && size != .giant && !evacuation.overbooking ? FirstFit.hosts(problem) : nil
      leastMakespan = judge.makespanBound
    }
  }

  /// Machines without a place beyond those that no plan can place.
  var excessUnplaced: Int {
    judge.unplaced - (optimum?.unplaced ?? (isFeasible ? 0 : bounds.unplaced))
  }

  /// Where all have a place.
  ///
  /// In scatter equal numbers come first, so that a sum tells nothing.
  var excessOverbooked: Int? {
    judge.unplaced > 0 || mode == .scatter && optimum == nil
      ? nil : judge.overbooked - max(bounds.overbooked, optimum?.overbooked ?? 0)
  }

  /// Whether the numbers are as equal as they can be, as far as that is known.
  var isEven: Bool { judge.imbalance <= bounds.imbalance || optimum?.share == .infinity }

  /// Parts of the least share that there is, or of its bound; nil: the bound tells nothing here.
  var excessShare: Double? {
    guard mode == .auto || mode == .scatter, judge.receivingHosts > 0, leastExtraMoves == 0 else { return nil }
    if let optimum, optimum.share < .infinity { return judge.highestShare / max(1e-9, optimum.share) - 1 }
    guard judge.unplaced == 0, bounds.share > 0 else { return nil }
    return judge.highestShare / bounds.share - 1
  }

  var excessHosts: Int? {
    guard judge.unplaced == 0, judge.overbooked == 0 else { return nil }
    return judge.receivingHosts - (optimum?.hosts ?? bounds.hosts)
  }

  /// 0: at the bound; 1: as far from it as first fit.
  var partOfFirstFit: Double? {
    guard let firstFit, firstFit.unplaced == 0, judge.unplaced == 0, judge.overbooked == 0 else { return nil }
    let distance = judge.receivingHosts - bounds.hosts
    return distance == 0 ? 0 : Double(distance) / Double(max(1, firstFit.used - bounds.hosts))
  }

  /// Extra moves and suspends beyond those that no plan can do without.
  var excessLifts: Int { judge.extraMoves + judge.suspends - leastExtraMoves - bounds.lifts }

  var excessMakespan: Double? {
    leastMakespan > 0 ? judge.makespan / leastMakespan - 1 : nil
  }
}
