/// Fills bins to the last byte with one, two or three items, where memory is so scarce that it must come out even.
///
/// What was moved away from a host left a hole of just its size; finding what fits a hole exactly is a better guide then
/// than any order by size.
struct ExactFilling {
  /// Items without a place, by memory, the largest first.
  private var alive: [Int] = []
  private var random: RandomSource

  init(seed: UInt64) {
    random = RandomSource(seed: seed)
  }

  /// Fills what can be filled exactly, into bins as they are.
  mutating func run(_ ledger: inout Ledger, steps: inout Int) {
    alive = (0..<ledger.itemCount).filter { ledger.bin[$0] < 0 }
    alive.sort { ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] > ledger.memoryOf[$1] : $0 < $1 }
    var bins = (0..<ledger.binCount).filter { ledger.isOpen[$0] && ledger.freeMemory($0) > 0 }
    bins.shuffle(using: &random)
    for count in 1...3 {
      for bin in bins where ledger.freeMemory(bin) > 0 && !alive.isEmpty && steps > 0 {
        guard let found = subset(of: count, bin, ledger, &steps) else { continue }
        for item in found where ledger.fits(item, bin) {
          ledger.place(item, bin)
          alive.removeAll { $0 == item }
        }
      }
    }
  }

  private mutating func subset(of count: Int, _ bin: Int, _ ledger: Ledger, _ steps: inout Int) -> [Int]? {
    let free = ledger.freeMemory(bin)
    let cpus = ledger.cpuLimit[bin] - ledger.cpus[bin]
    switch count {
    case 1:
      steps -= alive.count
      return alive.first { ledger.memoryOf[$0] == free && ledger.fits($0, bin) }.map { [$0] }
    case 2:
      return pair(free, cpus, besides: -1, bin, ledger, &steps)
    default:
      let start = random.below(alive.count)
      for offset in alive.indices where steps > 0 {
        let item = alive[(start + offset) % alive.count]
        guard ledger.memoryOf[item] < free, ledger.fits(item, bin) else { continue }
        if let pair = pair(
          free - ledger.memoryOf[item], cpus - ledger.cpusOf[item], besides: item, bin, ledger, &steps)
        {
          return [item] + pair
        }
      }
      return nil
    }
  }

  /// Two items with just this sum: one from each end of the order.
  private func pair(
    _ free: Int, _ cpus: Int, besides other: Int, _ bin: Int, _ ledger: Ledger, _ steps: inout Int
  ) -> [Int]? {
    var left = 0
    var right = alive.count - 1
    while left < right {
      steps -= 1
      let sum = ledger.memoryOf[alive[left]] + ledger.memoryOf[alive[right]]
      if sum == free {
        let (first, second) = (alive[left], alive[right])
        if first != other, second != other, ledger.cpusOf[first] + ledger.cpusOf[second] <= cpus,
          ledger.fits(first, bin), ledger.fits(second, bin)
        {
          return [first, second]
        }
        // Of equal items another may do.
        right -= 1
      } else if sum > free {
        left += 1
      } else {
        right -= 1
      }
    }
    return nil
  }
}
