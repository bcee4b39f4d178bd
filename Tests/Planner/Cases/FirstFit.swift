public import Placement

/// How many hosts first fit needs, the largest machine first: what a simple planner does, to compare with.
public enum FirstFit {
  public static func hosts(_ problem: Problem) -> (used: Int, unplaced: Int) {
    guard case .evacuate(let evacuation) = problem.task else { return (0, 0) }
    let room = Destinations(problem, evacuation)
    var hosts = room.hosts
    var isUsed = [Bool](repeating: false, count: hosts.count)
    var place = [Int](repeating: -1, count: problem.vms.count)
    var groupsOf: [Int: [Int]] = [:]
    for (number, group) in problem.groups.enumerated() {
      for vm in group.vms { groupsOf[vm, default: []].append(number) }
    }
    var isMoving = [Bool](repeating: false, count: problem.vms.count)
    for vm in evacuation.moving { isMoving[vm] = true }
    for vm in problem.vms.indices where !isMoving[vm] { place[vm] = problem.vms[vm].host }
    func size(_ item: Int) -> Int { max(room.memory[item], room.cpus[item] * 4 * gib) }
    var unplaced = 0
    for item in room.memory.indices.sorted(by: { size($0) != size($1) ? size($0) > size($1) : $0 < $1 }) {
      let vm = evacuation.moving[item]
      let row = problem.vms[vm].requirement * problem.hosts.count
      let chosen = hosts.indices.first { host in
        let target = evacuation.destinations[host]
        return hosts[host].usedMemory + room.memory[item] <= hosts[host].memory
          && (evacuation.overbooking || hosts[host].usedCPUs + room.cpus[item] <= hosts[host].cpus)
          && problem.allowed[row + target]
          && !(groupsOf[vm] ?? []).contains { problem.groups[$0].vms.contains { place[$0] == target } }
      }
      guard let chosen else {
        unplaced += 1
        continue
      }
      hosts[chosen].usedMemory += room.memory[item]
      hosts[chosen].usedCPUs += room.cpus[item]
      isUsed[chosen] = true
      place[vm] = evacuation.destinations[chosen]
    }
    return (isUsed.count { $0 }, unplaced)
  }
}
