/// Finds places for the last few items where memory is so scarce that no bin has room for one, but all bins together do.
///
/// Bins exchange items of nearly the same size, so that what is left free in many of them comes together in one; and an
/// item without a place takes the place of a smaller one, which is easier to bring in.
struct HoleMerging {
  /// Up to three items of a bin that may leave it together, with what they take.
  private struct Part {
    var memory: Int
    var cpus: Int
    var items: (Int, Int, Int)
  }

  private struct Exchange {
    var bin: Int
    var leaving: Part
    var coming: Part
    /// Memory that the roomy bin gains.
    var gain: Int
  }

  private var random: RandomSource
  /// Items that must have a place in the end; the others stay out.
  private let isWanted: [Bool]
  private var homeless: [Int] = []
  private let bins: [Int]
  private var own: [Part] = []
  private var theirs: [Part] = []
  private let widest: Int

  /// - Parameter isWanted: of each item, whether it is to have a place.
  init(_ ledger: Ledger, isWanted: [Bool], seed: UInt64) {
    self.isWanted = isWanted
    random = RandomSource(seed: seed)
    bins = (0..<ledger.binCount).filter { ledger.isOpen[$0] }
    widest = ledger.itemCount <= 4 * ledger.binCount ? 3 : 2
  }

  /// - Returns: whether each wanted item has a place; else the ledger holds the last attempt.
  mutating func run(_ ledger: inout Ledger, steps: inout Int) -> Bool {
    guard bins.count > 1 else { return false }
    homeless = (0..<ledger.itemCount).filter { isWanted[$0] && ledger.bin[$0] < 0 }
    var failures = 0
    placeWhatFits(in: bins, &ledger, &steps)
    while !homeless.isEmpty, steps > 0 {
      guard let item = homeless.max(by: { ledger.memoryOf[$0] < ledger.memoryOf[$1] }) else { break }
      if takePlace(of: item, &ledger, &steps) { continue }
      if merge(for: item, failures, &ledger, &steps) {
        failures = 0
        continue
      }
      failures += 1
      if failures % 4 == 0 { shake(&ledger, &steps) }
    }
    return homeless.isEmpty
  }

  private mutating func placeWhatFits(in bins: [Int], _ ledger: inout Ledger, _ steps: inout Int) {
    var left: [Int] = []
    for item in homeless.sorted(by: { ledger.memoryOf[$0] > ledger.memoryOf[$1] }) {
      var best = -1
      var least = Int.max
      for bin in bins where ledger.freeMemory(bin) < least && ledger.fits(item, bin) {
        least = ledger.freeMemory(bin)
        best = bin
      }
      steps -= 1 + bins.count / 2
      if best >= 0 { ledger.place(item, best) } else { left.append(item) }
    }
    homeless = left
  }

  private mutating func placeWhatFits(_ item: Int, _ ledger: inout Ledger, _ steps: inout Int) {
    steps -= bins.count / 4
    guard let bin = bins.first(where: { ledger.fits(item, $0) }) else { return }
    ledger.place(item, bin)
    homeless.removeAll { $0 == item }
  }

  /// The item goes where a smaller one was, the smallest that makes room enough.
  private mutating func takePlace(of item: Int, _ ledger: inout Ledger, _ steps: inout Int) -> Bool {
    var best = -1
    var least = ledger.memoryOf[item]
    let count = min(bins.count, 128)
    let start = bins.count > count ? random.below(bins.count) : 0
    for offset in 0..<count {
      let bin = bins[(start + offset) % bins.count]
      let needed = ledger.memoryOf[item] - ledger.freeMemory(bin)
      let cpus = ledger.cpuLimit[bin] - ledger.cpus[bin]
      var other = ledger.first[bin]
      while other >= 0 {
        steps -= 1
        if ledger.memoryOf[other] < least, ledger.memoryOf[other] >= needed,
          cpus + ledger.cpusOf[other] >= ledger.cpusOf[item],
          ledger.constraints.areNone || ledger.constraints.allow(item, bin, ledger.bin, ignoring: other)
        {
          least = ledger.memoryOf[other]
          best = other
        }
        other = ledger.next[other]
      }
    }
    guard best >= 0 else { return false }
    let bin = ledger.bin[best]
    ledger.remove(best)
    guard ledger.fits(item, bin) else {
      ledger.place(best, bin)
      return false
    }
    ledger.place(item, bin)
    homeless.removeAll { $0 == item }
    homeless.append(best)
    placeWhatFits(best, &ledger, &steps)
    return true
  }

  /// One of the roomiest bins gains what another has left.
  private mutating func merge(
    for item: Int, _ attempt: Int, _ ledger: inout Ledger, _ steps: inout Int
  ) -> Bool {
    let roomy = roomiest(attempt % 4, ledger)
    steps -= bins.count
    collect(&own, from: roomy, ledger)
    let count = min(bins.count, 96)
    let start = random.below(bins.count)
    let needed = ledger.memoryOf[item] - ledger.freeMemory(roomy)
    var best: Exchange?
    for offset in 0..<count {
      let bin = bins[(start + offset) % bins.count]
      let free = ledger.freeMemory(bin)
      guard bin != roomy, free > (best?.gain ?? 0) else { continue }
      collect(&theirs, from: bin, ledger)
      theirs.sort { $0.memory < $1.memory }
      steps -= (theirs.count + own.count * 3) / 3
      for leaving in own {
        // The smallest that may come for what leaves gains most.
        let position = firstPart(notBelow: leaving.memory - free)
        guard position < theirs.count else { continue }
        let coming = theirs[position]
        let gain = leaving.memory - coming.memory
        guard gain > (best?.gain ?? 0), hasCPUs(roomy, bin, leaving, coming, ledger) else { continue }
        best = Exchange(bin: bin, leaving: leaving, coming: coming, gain: gain)
        if gain >= needed { break }
      }
      if let best, best.gain >= needed { break }
    }
    guard let best, carryOut(best, roomy, &ledger) else { return false }
    placeWhatFits(in: [roomy], &ledger, &steps)
    return true
  }

  /// Some exchanges that gain nothing, to come to others that do.
  private mutating func shake(_ ledger: inout Ledger, _ steps: inout Int) {
    // What has come together already stays together.
    let roomy = roomiest(0, ledger)
    for _ in 0..<8 {
      let first = bins[random.below(bins.count)]
      let second = bins[random.below(bins.count)]
      if first == second || first == roomy || second == roomy { continue }
      collect(&own, from: first, ledger)
      collect(&theirs, from: second, ledger)
      theirs.sort { $0.memory < $1.memory }
      steps -= theirs.count + own.count
      let leaving = own[random.below(own.count)]
      let least = firstPart(notBelow: leaving.memory - ledger.freeMemory(second))
      guard least < theirs.count else { continue }
      let coming = theirs[least + random.below(min(4, theirs.count - least))]
      let gain = leaving.memory - coming.memory
      guard gain >= -ledger.freeMemory(first), hasCPUs(first, second, leaving, coming, ledger) else { continue }
      _ = carryOut(Exchange(bin: second, leaving: leaving, coming: coming, gain: gain), first, &ledger)
    }
  }

  private func firstPart(notBelow memory: Int) -> Int {
    var low = 0
    var high = theirs.count
    while low < high {
      let middle = (low + high) / 2
      if theirs[middle].memory < memory { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func hasCPUs(_ first: Int, _ second: Int, _ leaving: Part, _ coming: Part, _ ledger: Ledger) -> Bool {
    ledger.cpus[first] - leaving.cpus + coming.cpus <= ledger.cpuLimit[first]
      && ledger.cpus[second] + leaving.cpus - coming.cpus <= ledger.cpuLimit[second]
  }

  private func carryOut(_ exchange: Exchange, _ bin: Int, _ ledger: inout Ledger) -> Bool {
    let before = ledger.constraints.areNone ? nil : ledger.saved
    let leaving = items(of: exchange.leaving)
    let coming = items(of: exchange.coming)
    for item in leaving + coming { ledger.remove(item) }
    for (item, target) in leaving.map({ ($0, exchange.bin) }) + coming.map({ ($0, bin) }) {
      guard ledger.fits(item, target) else {
        if let before { ledger.restore(before) }
        return false
      }
      ledger.place(item, target)
    }
    return true
  }

  private func items(of part: Part) -> [Int] {
    [part.items.0, part.items.1, part.items.2].filter { $0 >= 0 }
  }

  /// The bin with most free memory, or one of the next.
  private func roomiest(_ rank: Int, _ ledger: Ledger) -> Int {
    var best = [Int](repeating: -1, count: rank + 1)
    for bin in bins {
      var candidate = bin
      for place in best.indices {
        if best[place] < 0 {
          best[place] = candidate
          break
        }
        if ledger.freeMemory(candidate) > ledger.freeMemory(best[place]) { swap(&candidate, &best[place]) }
      }
    }
    return best.last { $0 >= 0 } ?? bins[0]
  }

  /// All that may leave a bin together: nothing, one item, two, or three.
  private func collect(_ parts: inout [Part], from bin: Int, _ ledger: Ledger) {
    parts.removeAll(keepingCapacity: true)
    parts.append(Part(memory: 0, cpus: 0, items: (-1, -1, -1)))
    var singles = 0
    var item = ledger.first[bin]
    while item >= 0, singles < 12 {
      parts.append(Part(memory: ledger.memoryOf[item], cpus: ledger.cpusOf[item], items: (item, -1, -1)))
      singles += 1
      item = ledger.next[item]
    }
    for first in stride(from: 1, through: singles, by: 1) {
      for second in stride(from: first + 1, through: singles, by: 1) {
        let pair = Part(
          memory: parts[first].memory + parts[second].memory, cpus: parts[first].cpus + parts[second].cpus,
          items: (parts[first].items.0, parts[second].items.0, -1))
        parts.append(pair)
        guard widest > 2, singles <= 8 else { continue }
        for third in stride(from: second + 1, through: singles, by: 1) {
          parts.append(
            Part(
              memory: pair.memory + parts[third].memory, cpus: pair.cpus + parts[third].cpus,
              items: (pair.items.0, pair.items.1, parts[third].items.0)))
        }
      }
    }
  }
}
