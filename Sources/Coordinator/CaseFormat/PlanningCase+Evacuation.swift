import ClusterModel
import Placement

extension PlanningCase {
  /// The same cluster with another wish.
  ///
  /// - Throws: `CaseError` for hosts that are not in the case.
  public func evacuating(_ wish: EvacuationWish) throws(CaseError) -> PlanningCase {
    var number: [String: Int] = [:]
    for (index, name) in hostNames.enumerated() { number[name] = index }
    var isSource = [Bool](repeating: false, count: hostNames.count)
    for name in wish.sources {
      guard let host = number[name] else { throw CaseError("unknown host \(name)") }
      isSource[host] = true
    }
    var destinations: [Int] = []
    for name in wish.destinations {
      guard let host = number[name] else { throw CaseError("unknown host \(name)") }
      if !isSource[host], !destinations.contains(host) { destinations.append(host) }
    }
    if wish.destinations.isEmpty { destinations = hostNames.indices.filter { !isSource[$0] && closed[$0] == nil } }
    var copy = self
    copy.problem.task = .evacuate(
      Problem.Evacuation(
        moving: problem.vms.indices.filter { isSource[problem.vms[$0].host] }, destinations: destinations,
        mode: wish.mode, overbooking: wish.overbooking, movesOthers: wish.movesOthers,
        cpuRatio: wish.cpuRatio))
    return copy
  }
}
