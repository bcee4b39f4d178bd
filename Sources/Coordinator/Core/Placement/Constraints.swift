/// What a machine asks of its host besides room: labels, anti-affinity, a NUMA cell.
struct Constraints {
  /// Whether there are none at all, so that nobody needs to ask.
  let areNone: Bool
  let hasCells: Bool

  private let hasRequirements: Bool
  private let hasGroups: Bool
  /// `allowed[requirement[item] * binCount + bin]`
  private let allowed: [Bool]
  private let requirement: [Int]
  private let binCount: Int

  /// Groups of an item: `groupsOf[firstGroup[item]..<firstGroup[item + 1]]`.
  private var firstGroup: [Int] = [0]
  private var groupsOf: [Int] = []
  /// Members of a group among the items, in the same way.
  private var firstMember: [Int] = [0]
  private var members: [Int] = []
  /// Zones in which a machine of the group stays, in the same way.
  private var firstZone: [Int] = [0]
  private var zones: [Int] = []
  private var isByRack: [Bool] = []
  private let hostOf: [Int]
  private let rackOf: [Int]
  /// The rack in which an item is now.
  private let rackNow: [Int]

  private let isInOneCell: [Bool]
  private let ignoresCellCPUs: Bool
  private var firstCell: [Int] = [0]
  private var cellMemory: [Int] = []
  private var cellCPUs: [Int] = []
  private let memoryOf: [Int]
  private let cpusOf: [Int]
  /// The cell of each placed item within its bin; -1: none needed.
  private(set) var cell: [Int]

  init(_ problem: Problem, items: [Int], isItem: [Bool], evacuation: Problem.Evacuation) {
    let hostCount = problem.hosts.count
    hostOf = evacuation.destinations
    binCount = hostOf.count
    rackOf = hostOf.map { problem.hosts[$0].rack }
    rackNow = items.map { problem.hosts[problem.vms[$0].host].rack }
    requirement = items.map { problem.vms[$0].requirement }
    hasRequirements = requirement.contains { $0 > 0 }
    var table: [Bool] = []
    if hasRequirements {
      for row in 0..<problem.allowed.count / max(1, hostCount) {
        table += hostOf.map { problem.allowed[row * hostCount + $0] }
      }
    }
    allowed = table
    memoryOf = items.map { problem.vms[$0].memory }
    cpusOf = items.map { problem.vms[$0].vcpus }
    ignoresCellCPUs = evacuation.overbooking
    isInOneCell = items.map { problem.vms[$0].isInOneCell }
    hasCells = isInOneCell.contains(true) && !problem.cells.isEmpty
    cell = hasCells ? [Int](repeating: -1, count: items.count) : []
    hasGroups = !problem.groups.isEmpty
    areNone = !hasRequirements && !hasCells && !hasGroups
    if hasCells { readCells(problem, isItem) }
    if hasGroups { readGroups(problem, items, isItem) }
  }

  private mutating func readCells(_ problem: Problem, _ isItem: [Bool]) {
    var binOfHost = [Int](repeating: -1, count: problem.hosts.count)
    for (bin, host) in hostOf.enumerated() {
      binOfHost[host] = bin
      let range = problem.hosts[host].firstCell..<problem.hosts[host].firstCell + problem.hosts[host].cellCount
      cellMemory += problem.cells[range].map(\.memory)
      cellCPUs += problem.cells[range].map(\.cpus)
      firstCell.append(cellMemory.count)
    }
    for (index, vm) in problem.vms.enumerated() where vm.isInOneCell && !isItem[index] && vm.cell >= 0 {
      let bin = binOfHost[vm.host]
      guard bin >= 0, firstCell[bin] + vm.cell < firstCell[bin + 1] else { continue }
      cellMemory[firstCell[bin] + vm.cell] -= vm.memory
      cellCPUs[firstCell[bin] + vm.cell] -= vm.vcpus
    }
  }

  private mutating func readGroups(_ problem: Problem, _ items: [Int], _ isItem: [Bool]) {
    var itemOf = [Int](repeating: -1, count: problem.vms.count)
    for (item, vm) in items.enumerated() { itemOf[vm] = item }
    var lists = [[Int]](repeating: [], count: items.count)
    for group in problem.groups where group.vms.contains(where: { isItem[$0] }) {
      for vm in group.vms {
        if isItem[vm] {
          members.append(itemOf[vm])
          lists[itemOf[vm]].append(isByRack.count)
        } else {
          let host = problem.vms[vm].host
          zones.append(group.isByRack ? problem.hosts[host].rack : host)
        }
      }
      isByRack.append(group.isByRack)
      firstMember.append(members.count)
      firstZone.append(zones.count)
    }
    for list in lists {
      groupsOf += list
      firstGroup.append(groupsOf.count)
    }
  }

  /// - Parameters:
  ///   - bins: the bin of each item, -1 for those without.
  ///   - leaver: an item that leaves `target` at the same time; -1: none.
  func allow(_ item: Int, _ target: Int, _ bins: [Int], ignoring leaver: Int = -1) -> Bool {
    if hasRequirements, !allowed[requirement[item] * binCount + target] { return false }
    if hasCells, isInOneCell[item], firstCell[target] < firstCell[target + 1],
      bestCell(item, target, ignoring: leaver) < 0
    {
      return false
    }
    return !hasGroups || conflict(item, target, bins, ignoring: leaver) < 0
  }

  /// Whether the host has what the machine asks of it, room aside.
  func isAllowed(_ item: Int, _ target: Int) -> Bool {
    !hasRequirements || allowed[requirement[item] * binCount + target]
  }

  func requirement(of item: Int) -> Int { requirement[item] }

  func needsCell(_ item: Int) -> Bool { hasCells && isInOneCell[item] }

  /// Whether the item is in an anti-affinity group.
  func isGrouped(_ item: Int) -> Bool { hasGroups && firstGroup[item] < firstGroup[item + 1] }

  /// An item in the way of `item` by anti-affinity; -1: none; `Int.max`: a machine that stays.
  func conflict(_ item: Int, _ target: Int, _ bins: [Int], ignoring leaver: Int = -1) -> Int {
    for position in firstGroup[item]..<firstGroup[item + 1] {
      let group = groupsOf[position]
      let zone = isByRack[group] ? rackOf[target] : hostOf[target]
      if zone < 0 { continue }
      for other in firstZone[group]..<firstZone[group + 1] where zones[other] == zone { return .max }
      for other in firstMember[group]..<firstMember[group + 1] where members[other] != item && members[other] != leaver
      {
        let bin = bins[members[other]]
        if bin >= 0, (isByRack[group] ? rackOf[bin] : hostOf[bin]) == zone { return members[other] }
      }
    }
    return -1
  }

  /// Whether a placed item is in a rack where a machine stays that it must not meet, because that has no place.
  func meetsLeftBehind(_ item: Int, _ bins: [Int]) -> Bool {
    guard hasGroups, bins[item] >= 0 else { return false }
    let rack = rackOf[bins[item]]
    return groupsOf[firstGroup[item]..<firstGroup[item + 1]].contains { group in
      isByRack[group] && rack >= 0
        && members[firstMember[group]..<firstMember[group + 1]].contains { bins[$0] < 0 && rackNow[$0] == rack }
    }
  }

  /// The fullest cell with room; -1: none.
  private func bestCell(_ item: Int, _ target: Int, ignoring leaver: Int = -1) -> Int {
    var best = -1
    var least = Int.max
    for number in firstCell[target]..<firstCell[target + 1] {
      let isLeft = leaver >= 0 && cell[leaver] == number - firstCell[target]
      let memory = cellMemory[number] + (isLeft ? memoryOf[leaver] : 0)
      let cpus = cellCPUs[number] + (isLeft ? cpusOf[leaver] : 0)
      if memory >= memoryOf[item], ignoresCellCPUs || cpus >= cpusOf[item], memory < least {
        least = memory
        best = number - firstCell[target]
      }
    }
    return best
  }

  func cellOrNone(_ item: Int) -> Int { hasCells ? cell[item] : -1 }

  /// Asks for a certain cell when the item is placed next.
  mutating func wish(_ item: Int, _ wanted: Int) { cell[item] = wanted }

  mutating func takeCell(_ item: Int, _ target: Int) {
    guard isInOneCell[item], firstCell[target] < firstCell[target + 1] else { return }
    let chosen = cell[item] >= 0 ? cell[item] : bestCell(item, target)
    cell[item] = chosen
    guard chosen >= 0 else { return }
    cellMemory[firstCell[target] + chosen] -= memoryOf[item]
    cellCPUs[firstCell[target] + chosen] -= cpusOf[item]
  }

  mutating func giveCell(_ item: Int, _ target: Int) {
    guard cell[item] >= 0 else { return }
    cellMemory[firstCell[target] + cell[item]] += memoryOf[item]
    cellCPUs[firstCell[target] + cell[item]] += cpusOf[item]
    cell[item] = -1
  }
}
