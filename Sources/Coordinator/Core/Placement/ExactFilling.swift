/// Fills bins to the last byte with one, two or three items, where memory is so scarce that it must come out even.
///
/// What was moved away from a host left a hole of just its size; finding what fits a hole exactly is a better guide then
/// than any order by size. The hole with fewest ways to fill it comes first: it is most likely the right one.
struct ExactFilling {
  /// Items that fill a bin exactly; -1: none.
  private struct Way {
    var items: (Int, Int, Int)
  }

  /// Ways of a bin: `ways[firstWay[bin]..<firstWay[bin + 1]]`.
  private var ways: [Way] = []
  private var firstWay: [Int] = [0]
  /// For how many ways an item is used: those of rare items are more likely right.
  private var uses: [Int]
  /// Ways of one bin that are looked at.
  private static let limit = 64

  /// Collects the ways to fill the bins as they are.
  init(_ ledger: Ledger, steps: inout Int) {
    uses = [Int](repeating: 0, count: ledger.itemCount)
    var items = (0..<ledger.itemCount).filter { ledger.bin[$0] < 0 }
    items.sort { ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] < ledger.memoryOf[$1] : $0 < $1 }
    let sizes = items.map { ledger.memoryOf[$0] }
    for bin in 0..<ledger.binCount {
      if ledger.isOpen[bin], ledger.freeMemory(bin) > 0 {
        collect(bin, items, sizes, ledger)
        steps -= items.count * items.count / 12
      }
      firstWay.append(ways.count)
    }
  }

  private mutating func collect(_ bin: Int, _ items: [Int], _ sizes: [Int], _ ledger: Ledger) {
    let free = ledger.freeMemory(bin)
    let cpus = ledger.cpuLimit[bin] - ledger.cpus[bin]
    let start = ways.count
    func add(_ found: (Int, Int, Int)) {
      let used = [found.0, found.1, found.2].filter { $0 >= 0 }.map { items[$0] }
      let taken = used.reduce(0) { $0 + ledger.cpusOf[$1] }
      guard taken <= cpus, used.allSatisfy({ ledger.fits($0, bin) }) else { return }
      for item in used { uses[item] += 1 }
      ways.append(
        Way(items: (used[0], used.count > 1 ? used[1] : -1, used.count > 2 ? used[2] : -1)))
    }
    /// Two from both ends of the order, before `end`, that have just this sum.
    func addPairs(_ sum: Int, before end: Int, with third: Int) {
      var left = 0
      var right = end - 1
      while left < right, ways.count - start < Self.limit {
        let pair = sizes[left] + sizes[right]
        if pair == sum { add(third < 0 ? (left, right, -1) : (left, right, third)) }
        if pair < sum { left += 1 } else { right -= 1 }
      }
    }
    for position in items.indices where sizes[position] == free { add((position, -1, -1)) }
    addPairs(free, before: items.count, with: -1)
    for largest in items.indices.reversed() where sizes[largest] < free && 3 * sizes[largest] >= free {
      addPairs(free - sizes[largest], before: largest, with: largest)
    }
  }

  /// Fills what can be filled, in an order that depends on the seed.
  func run(_ ledger: inout Ledger, seed: UInt64, steps: inout Int) {
    var random = RandomSource(seed: seed)
    var pending = (0..<ledger.binCount).filter { firstWay[$0] < firstWay[$0 + 1] }
    while !pending.isEmpty, steps > 0 {
      var chosen = -1
      var fewest = Int.max
      var open: [Int] = []
      for bin in pending {
        let count = (firstWay[bin]..<firstWay[bin + 1]).count { isPossible($0, ledger) }
        steps -= (firstWay[bin + 1] - firstWay[bin]) / 4 + 1
        guard count > 0 else { continue }
        open.append(bin)
        // Now and then another than the best.
        let value = count * 4 + random.below(seed == 0 ? 1 : 12)
        if value < fewest {
          fewest = value
          chosen = bin
        }
      }
      guard chosen >= 0 else { return }
      fill(chosen, &ledger, &random)
      pending = open.filter { $0 != chosen }
    }
  }

  private func fill(_ bin: Int, _ ledger: inout Ledger, _ random: inout RandomSource) {
    var best: Way?
    var least = Int.max
    for number in firstWay[bin]..<firstWay[bin + 1] where isPossible(number, ledger) {
      let way = ways[number]
      var common = 0
      for item in [way.items.0, way.items.1, way.items.2] where item >= 0 { common += uses[item] }
      let value = common * (4 + random.below(4))
      if value < least {
        least = value
        best = way
      }
    }
    guard let best else { return }
    for item in [best.items.0, best.items.1, best.items.2] where item >= 0 && ledger.fits(item, bin) {
      ledger.place(item, bin)
    }
  }

  @inline(__always)
  private func isPossible(_ number: Int, _ ledger: Ledger) -> Bool {
    let items = ways[number].items
    return ledger.bin[items.0] < 0 && (items.1 < 0 || ledger.bin[items.1] < 0)
      && (items.2 < 0 || ledger.bin[items.2] < 0)
  }
}
