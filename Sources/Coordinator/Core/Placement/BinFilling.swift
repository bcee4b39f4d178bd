/// Fills bins one after another with what suits their rest best: large items, but so that memory and CPUs run out
/// together.
///
/// Items that ask the same but memory are one class, ordered by memory; of each class only two are looked at.
struct BinFilling {
  private struct ClassKey: Hashable {
    var cpus: Int
    var requirement: Int
    var isSpecial: Bool
  }

  /// Parts of a bin's free room, as it was before the filling, per KiB and per CPU.
  private struct Room {
    var memory: Double
    var cpus: Double
  }

  /// Items by class, within a class by memory, the largest first.
  private var items: [Int] = []
  private var memory: [Int] = []
  private var firstOf: [Int] = [0]
  private var cpusOf: [Int] = []
  /// The next item at or after a position that is not placed yet.
  private var alive: [Int] = []
  /// How much memory and CPUs count: what there is least of counts most.
  private let weights: (memory: Double, cpus: Double)
  /// 1: both are as scarce; 0: one of them is plenty, and need not run out together with the other.
  private let evenness: Double
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
    var free = (memory: 0.0, cpus: 0.0)
    for bin in 0..<ledger.binCount {
      free.memory += Double(max(0, ledger.freeMemory(bin)))
      free.cpus += Double(BinFilling.freeCPUs(bin, ledger))
    }
    let scarcity = (
      memory: memory.reduce(0.0) { $0 + Double($1) } / max(1, free.memory),
      cpus: items.reduce(0.0) { $0 + Double(ledger.cpusOf[$1]) } / max(1, free.cpus)
    )
    let most = max(scarcity.memory, scarcity.cpus, 1e-12)
    weights = (BinFilling.sharpened(scarcity.memory / most), BinFilling.sharpened(scarcity.cpus / most))
    evenness = min(weights.memory, weights.cpus)
  }

  private static func sharpened(_ part: Double) -> Double {
    let square = part * part
    return square * square
  }

  /// Fills each bin once per tilt, and keeps the fill that uses most of it.
  ///
  /// - Parameter tilts: how much it matters that memory and CPUs run out together; against it stands size.
  mutating func run(_ bins: some Sequence<Int>, tilts: [Double], _ ledger: inout Ledger) {
    alive = Array(0...items.count)
    for (position, item) in items.enumerated() where ledger.bin[item] >= 0 { alive[position] = position + 1 }
    var best: [Int] = []
    var current: [Int] = []
    for bin in bins where ledger.isOpen[bin] {
      let room = Room(
        memory: 1 / Double(max(1, ledger.freeMemory(bin))), cpus: 1 / Double(max(1, BinFilling.freeCPUs(bin, ledger))))
      var highest = -1.0
      for tilt in tilts {
        current.removeAll(keepingCapacity: true)
        while let position = self.best(for: bin, room, tilt * evenness, ledger) {
          ledger.place(items[position], bin)
          current.append(position)
        }
        if tilts.count > 1 {
          let value =
            2 - weights.memory * Double(ledger.freeMemory(bin)) * room.memory
            - weights.cpus * Double(BinFilling.freeCPUs(bin, ledger)) * room.cpus
          for position in current { ledger.remove(items[position]) }
          guard value > highest else { continue }
          highest = value
        }
        swap(&best, &current)
      }
      for position in best {
        if tilts.count > 1 { ledger.place(items[position], bin) }
        alive[position] = position + 1
      }
      best.removeAll(keepingCapacity: true)
    }
  }

  /// Without limit there is room for everything, but sums must stay numbers.
  private static func freeCPUs(_ bin: Int, _ ledger: Ledger) -> Int {
    max(0, min(ledger.cpuLimit[bin] - ledger.cpus[bin], 1 << 40))
  }

  /// The largest item that leaves as many parts of the bin's memory as of its CPUs.
  private mutating func best(for bin: Int, _ room: Room, _ tilt: Double, _ ledger: Ledger) -> Int? {
    let freeMemory = ledger.freeMemory(bin)
    let freeCPUs = BinFilling.freeCPUs(bin, ledger)
    var best: Int?
    var highest = -Double.infinity
    for number in cpusOf.indices where cpusOf[number] <= freeCPUs {
      let cpus = Double(cpusOf[number]) * room.cpus
      // Nothing of the class can be worth more than this.
      let most = Double(min(freeMemory, memory[firstOf[number]])) * room.memory
      guard weights.memory * most + weights.cpus * cpus > highest else { continue }
      let restCPUs = Double(freeCPUs) * room.cpus - cpus
      // The largest of the class, and the largest that leaves not less memory than CPUs.
      let balanced = min(freeMemory, Int(max(0, Double(freeMemory) * room.memory - restCPUs) / room.memory))
      var limit = freeMemory
      while true {
        var position = find(firstFitting(limit, number))
        var tries = 0
        while position < firstOf[number + 1], tries <= patience {
          if ledger.bin[items[position]] >= 0 {
            position = find(position + 1)
            continue
          }
          if ledger.fits(items[position], bin) {
            let uses = Double(memory[position]) * room.memory
            let imbalance = abs(Double(freeMemory) * room.memory - uses - restCPUs)
            let value = weights.memory * uses + weights.cpus * cpus - tilt * imbalance
            if value > highest {
              highest = value
              best = position
            }
            break
          }
          tries += 1
          position = find(position + 1)
        }
        guard balanced < limit else { break }
        limit = balanced
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
