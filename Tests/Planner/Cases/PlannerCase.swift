import ClusterModel
public import Placement

/// A synthetic problem with what its maker knows of it.
public struct PlannerCase: Sendable {
  public enum Size: String, Sendable, CaseIterable {
    case small = "s"
    case middle = "m"
    case large = "l"
    case huge = "x"
    case giant = "z"

    var hosts: Int { [4, 12, 64, 1000, 10_000][index] }
    var vms: Int { [12, 96, 1000, 20_000, 200_000][index] }
    var index: Int { Size.allCases.firstIndex(of: self) ?? 0 }
  }

  public var family: String
  public var size: Size
  public var problem: Problem
  /// Whether it is known that each machine can have a place, because the cluster was made backwards from such a plan.
  public var isFeasible: Bool
  /// No plan needs fewer moves beyond one for each machine, where that is known.
  public var leastExtraMoves: Int?
  /// A chain of moves of this length waits for each other.
  public var serial: Int

  public var name: String {
    guard case .evacuate(let evacuation) = problem.task else { return "\(family)-\(size.rawValue)" }
    return "\(family)-\(size.rawValue)-\(evacuation.mode.rawValue)"
  }

  public init(
    family: String, size: Size, problem: Problem, isFeasible: Bool = true, leastExtraMoves: Int? = nil, serial: Int = 0
  ) {
    self.family = family
    self.size = size
    self.problem = problem
    self.isFeasible = isFeasible
    self.leastExtraMoves = leastExtraMoves
    self.serial = serial
  }
}

let gib = 1024 * 1024
let mib = 1024
