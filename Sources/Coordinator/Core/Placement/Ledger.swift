/// Who is placed where while a plan grows, and what the destinations have left.
///
/// Items are the machines to place, bins the destinations, both numbered from 0. `fits` holds every hard promise:
/// memory is never overbooked, nor CPUs beyond `cpuLimit`, labels, anti-affinity and NUMA cells.
struct Ledger {
  // Items.
  let memoryOf: [Int]
  let cpusOf: [Int]
  /// The machine of each item, as an index of the problem.
  let vmOf: [Int]

  // Bins.
  let hostOf: [Int]
  let memoryLimit: [Int]
  /// CPUs that a bin may have taken without overbooking anew: its CPUs, or what its own machines take already.
  let cpuFair: [Int]
  /// CPUs that a bin may have taken at all.
  var cpuLimit: [Int]
  let memoryInverse: [Double]
  let cpuInverse: [Double]
  private(set) var memory: [Int]
  private(set) var cpus: [Int]
  private(set) var received: [Int]
  /// Whether the bin may receive in the attempt at hand.
  var isOpen: [Bool]

  /// The bin of each item; -1: none.
  private(set) var bin: [Int]
  /// Items of a bin, as lists: `first[bin]`, then `next[item]`; -1 ends.
  private(set) var first: [Int]
  private(set) var next: [Int]
  private var previous: [Int]

  private(set) var constraints: Constraints
  /// The sum over bins of CPUs above `cpuFair`.
  private(set) var overbooked = 0
  private(set) var placedCount = 0

  var itemCount: Int { bin.count }
  var binCount: Int { hostOf.count }
  var unplacedCount: Int { itemCount - placedCount }

  init(_ problem: Problem, items: [Int], evacuation: Problem.Evacuation) {
    let hosts = problem.hosts
    vmOf = items
    memoryOf = items.map { problem.vms[$0].memory }
    cpusOf = items.map { problem.vms[$0].vcpus }
    hostOf = evacuation.destinations
    var isItem = [Bool](repeating: false, count: problem.vms.count)
    for item in items { isItem[item] = true }
    var usedMemory = hosts.map(\.reservedMemory)
    var usedCPUs = hosts.map(\.reservedCPUs)
    for index in problem.vms.indices where !isItem[index] {
      let vm = problem.vms[index]
      usedMemory[vm.host] += vm.memory
      usedCPUs[vm.host] += vm.vcpus
    }
    memory = hostOf.map { usedMemory[$0] }
    cpus = hostOf.map { usedCPUs[$0] }
    memoryLimit = hostOf.map { hosts[$0].memory }
    cpuFair = hostOf.map { max(hosts[$0].cpus, usedCPUs[$0]) }
    cpuLimit = cpuFair
    memoryInverse = hostOf.map { 1 / Double(max(1, hosts[$0].memory)) }
    cpuInverse = hostOf.map { 1 / Double(max(1, hosts[$0].cpus)) }
    received = [Int](repeating: 0, count: hostOf.count)
    isOpen = [Bool](repeating: true, count: hostOf.count)
    bin = [Int](repeating: -1, count: items.count)
    first = [Int](repeating: -1, count: hostOf.count)
    next = [Int](repeating: -1, count: items.count)
    previous = next
    constraints = Constraints(problem, items: items, isItem: isItem, evacuation: evacuation)
  }

  @inline(__always)
  func fits(_ item: Int, _ target: Int) -> Bool {
    memory[target] + memoryOf[item] <= memoryLimit[target] && cpus[target] + cpusOf[item] <= cpuLimit[target]
      && isOpen[target] && (constraints.areNone || constraints.allow(item, target, bin))
  }

  /// Whether labels, anti-affinity and cells let two placed items change places; room is not looked at.
  func allowExchange(_ item: Int, _ partner: Int) -> Bool {
    constraints.allow(item, bin[partner], bin, ignoring: partner)
      && constraints.allow(partner, bin[item], bin, ignoring: item)
  }

  /// The fuller of memory and CPUs; above 1 is overbooked.
  @inline(__always)
  func share(_ target: Int) -> Double {
    max(Double(memory[target]) * memoryInverse[target], Double(cpus[target]) * cpuInverse[target])
  }

  /// Whether it is memory that there is less left of.
  func isMemoryFuller(_ target: Int) -> Bool {
    Double(memory[target]) * memoryInverse[target] > Double(cpus[target]) * cpuInverse[target]
  }

  @inline(__always)
  func share(_ target: Int, ofMemory: Bool) -> Double {
    ofMemory ? Double(memory[target]) * memoryInverse[target] : Double(cpus[target]) * cpuInverse[target]
  }

  /// `share` if the bin had so much more.
  @inline(__always)
  func share(_ target: Int, addingMemory: Int, cpus addingCPUs: Int) -> Double {
    max(
      Double(memory[target] + addingMemory) * memoryInverse[target],
      Double(cpus[target] + addingCPUs) * cpuInverse[target])
  }

  @inline(__always)
  func share(_ target: Int, with item: Int) -> Double {
    share(target, addingMemory: memoryOf[item], cpus: cpusOf[item])
  }

  @inline(__always)
  func freeMemory(_ target: Int) -> Int { memoryLimit[target] - memory[target] }

  /// How much more is overbooked if the bin has so many more CPUs.
  @inline(__always)
  func overbooking(_ target: Int, addingCPUs: Int) -> Int {
    max(0, cpus[target] + addingCPUs - cpuFair[target]) - max(0, cpus[target] - cpuFair[target])
  }

  mutating func place(_ item: Int, _ target: Int) {
    overbooked += overbooking(target, addingCPUs: cpusOf[item])
    memory[target] += memoryOf[item]
    cpus[target] += cpusOf[item]
    received[target] += 1
    bin[item] = target
    let head = first[target]
    next[item] = head
    previous[item] = -1
    if head >= 0 { previous[head] = item }
    first[target] = item
    placedCount += 1
    if constraints.hasCells { constraints.takeCell(item, target) }
  }

  mutating func remove(_ item: Int) {
    let target = bin[item]
    overbooked += overbooking(target, addingCPUs: -cpusOf[item])
    memory[target] -= memoryOf[item]
    cpus[target] -= cpusOf[item]
    received[target] -= 1
    bin[item] = -1
    if previous[item] >= 0 { next[previous[item]] = next[item] } else { first[target] = next[item] }
    if next[item] >= 0 { previous[next[item]] = previous[item] }
    placedCount -= 1
    if constraints.hasCells { constraints.giveCell(item, target) }
  }

  /// Places it in the cell it had before.
  mutating func put(_ item: Int, _ target: Int, cell: Int) {
    if cell >= 0 { constraints.wish(item, cell) }
    place(item, target)
  }

  /// The same bins with nothing placed.
  mutating func clear() {
    for item in bin.indices where bin[item] >= 0 { remove(item) }
  }

  func items(in target: Int) -> [Int] {
    var items: [Int] = []
    var item = first[target]
    while item >= 0 {
      items.append(item)
      item = next[item]
    }
    return items
  }

  var emptied: Ledger {
    var copy = self
    copy.clear()
    return copy
  }

  /// Goes back to an earlier state of `bin` and cells.
  mutating func restore(_ saved: Saved) {
    for item in bin.indices where bin[item] >= 0 && bin[item] != saved.bin[item] { remove(item) }
    for item in bin.indices where bin[item] >= 0 && constraints.hasCells && constraints.cell[item] != saved.cell[item] {
      remove(item)
    }
    for item in bin.indices where bin[item] < 0 && saved.bin[item] >= 0 {
      if constraints.hasCells { constraints.wish(item, saved.cell[item]) }
      place(item, saved.bin[item])
    }
  }

  struct Saved {
    fileprivate(set) var bin: [Int]
    fileprivate var cell: [Int]
  }

  var saved: Saved { Saved(bin: bin, cell: constraints.hasCells ? constraints.cell : []) }

  var highestReceivingShare: Double {
    var highest = 0.0
    for target in received.indices where received[target] > 0 { highest = max(highest, share(target)) }
    return highest
  }
}
