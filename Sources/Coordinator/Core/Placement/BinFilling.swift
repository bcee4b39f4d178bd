/// Fills bins one after another with what suits their rest best: the item with the largest dot product of what it
/// needs and what the bin has left, so that memory and CPUs run out together.
///
/// Items that ask the same but memory are one class, ordered by memory; of each class only the largest that fits is
/// looked at.
struct BinFilling {
  private struct ClassKey: Hashable {
    var cpus: Int
    var requirement: Int
    var isSpecial: Bool
  }

  /// Items by class, within a class by memory, the largest first.
  private var items: [Int] = []
  private var memory: [Int] = []
  private var firstOf: [Int] = [0]
  private var cpusOf: [Int] = []
  /// The next item at or after a position that is not placed yet.
  private var alive: [Int] = []
  /// Items that may be refused for reasons other than room are skipped one by one, at most so many.
  private let patience = 6

  init(_ chosen: some Sequence<Int>, in ledger: Ledger) {
    var classes: [ClassKey: [Int]] = [:]
    for item in chosen {
      let key = ClassKey(
        cpus: ledger.cpusOf[item], requirement: ledger.constraints.requirement(of: item),
        isSpecial: ledger.constraints.isGrouped(item) || ledger.constraints.needsCell(item))
      classes[key, default: []].append(item)
    }
    let keys = classes.keys.sorted {
      ($0.cpus, $0.requirement, $0.isSpecial ? 1 : 0) > ($1.cpus, $1.requirement, $1.isSpecial ? 1 : 0)
    }
    for key in keys {
      var members = classes[key] ?? []
      members.sort {
        ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] > ledger.memoryOf[$1] : $0 < $1
      }
      items += members
      firstOf.append(items.count)
      cpusOf.append(key.cpus)
    }
    memory = items.map { ledger.memoryOf[$0] }
  }

  /// - Parameter weights: how much memory and CPUs count in the choice.
  mutating func run(_ bins: [Int], _ weights: (memory: Double, cpus: Double), _ ledger: inout Ledger) {
    alive = Array(0...items.count)
    for (position, item) in items.enumerated() where ledger.bin[item] >= 0 { alive[position] = position + 1 }
    for bin in bins where ledger.isOpen[bin] {
      while let position = best(for: bin, weights, ledger) {
        ledger.place(items[position], bin)
        alive[position] = position + 1
      }
    }
  }

  private mutating func best(
    for bin: Int, _ weights: (memory: Double, cpus: Double), _ ledger: Ledger
  ) -> Int? {
    let freeMemory = ledger.freeMemory(bin)
    let freeCPUs = ledger.cpuLimit[bin] - ledger.cpus[bin]
    let memoryWeight = weights.memory * Double(freeMemory) * ledger.memoryInverse[bin] * ledger.memoryInverse[bin]
    let cpuWeight =
      weights.cpus * min(Double(freeCPUs) * ledger.cpuInverse[bin], 1) * ledger.cpuInverse[bin]
    var best: Int?
    var highest = -1.0
    for number in cpusOf.indices where cpusOf[number] <= freeCPUs {
      var position = find(firstFitting(freeMemory, number))
      var tries = 0
      while position < firstOf[number + 1] {
        let value = memoryWeight * Double(memory[position]) + cpuWeight * Double(cpusOf[number])
        if value <= highest { break }
        if ledger.fits(items[position], bin) {
          highest = value
          best = position
          break
        }
        tries += 1
        if tries > patience { break }
        position = find(position + 1)
      }
    }
    return best
  }

  /// The first position of a class whose item needs at most so much memory.
  @inline(__always)
  private func firstFitting(_ free: Int, _ number: Int) -> Int {
    var low = firstOf[number]
    var high = firstOf[number + 1]
    while low < high {
      let middle = (low + high) / 2
      if memory[middle] <= free { high = middle } else { low = middle + 1 }
    }
    return low
  }

  @inline(__always)
  private mutating func find(_ position: Int) -> Int {
    var root = position
    while alive[root] != root { root = alive[root] }
    var step = position
    while alive[step] != root {
      let following = alive[step]
      alive[step] = root
      step = following
    }
    return root
  }
}
