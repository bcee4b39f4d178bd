/// The planner without names: numbers in, numbers out. Same problem, same budget, same solution.
public enum PlacementEngine {
  public static func solve(_ problem: Problem, budget: Budget) -> Solution {
    switch problem.task {
    case .evacuate(let evacuation):
      return EvacuationSearch(problem, evacuation, budget).solve()
    case .rearrange(let mapping):
      return Rearrangement(problem, mapping).solve()
    }
  }
}
