/// Places items one after another where the share afterwards is least.
enum Spreading {
  /// Bins that fit and are compared for one item: more where there are few items, because unequal bins need it.
  private static func comparisons(for count: Int) -> Int { max(12, min(256, 150_000 / max(1, count))) }
  /// Bins without room that are looked at for one item before it is left to the repairs.
  private static let misses = 2000

  static func place(_ items: [Int], in ledger: inout Ledger) {
    var queue = BucketQueue(ledger)
    let comparisons = comparisons(for: items.count)
    for item in items {
      let best = leastShare(for: item, in: ledger, queue, comparisons)
      guard best >= 0 else { continue }
      ledger.place(item, best)
      queue.move(best, share: ledger.share(best))
    }
  }

  /// The same, but nobody receives a second item before everybody could have had a first, and so on.
  static func placeInRounds(_ items: [Int], in ledger: inout Ledger) {
    let isOpen = ledger.isOpen
    // Each round has items of all sizes, so that a bin that is full already can get small ones in each.
    let rounds = items.count / max(1, ledger.binCount)
    let inRounds = rounds * ledger.binCount
    for round in 0..<rounds {
      // Who found nothing to take in earlier rounds may catch up.
      place(stride(from: round, to: inRounds, by: rounds).map { items[$0] }, in: &ledger, upTo: round + 1, isOpen)
    }
    place(items[..<inRounds].filter { ledger.bin[$0] < 0 }, in: &ledger, upTo: rounds, isOpen)
    place(items.filter { ledger.bin[$0] < 0 }, in: &ledger, upTo: rounds + 1, isOpen)
    ledger.isOpen = isOpen
  }

  private static func place(_ items: [Int], in ledger: inout Ledger, upTo high: Int, _ isOpen: [Bool]) {
    guard !items.isEmpty else { return }
    for bin in 0..<ledger.binCount { ledger.isOpen[bin] = isOpen[bin] && ledger.received[bin] < high }
    // A round is a part of the whole, and may cost a part of it.
    let comparisons = max(20, comparisons(for: ledger.itemCount))
    var queue = BucketQueue(ledger)
    for item in items {
      let best = leastShare(for: item, in: ledger, queue, comparisons)
      guard best >= 0 else { continue }
      ledger.place(item, best)
      if ledger.received[best] >= high {
        ledger.isOpen[best] = false
        queue.remove(best)
      } else {
        queue.move(best, share: ledger.share(best))
      }
    }
  }

  private static func leastShare(for item: Int, in ledger: Ledger, _ queue: BucketQueue, _ comparisons: Int) -> Int {
    var best = -1
    var least = Double.infinity
    var compared = 0
    var missed = 0
    var bucket = queue.lowest
    while bucket < BucketQueue.count {
      if best >= 0, Double(bucket) / BucketQueue.perShare >= least { return best }
      var bin = queue.first(in: bucket)
      while bin >= 0 {
        if ledger.fits(item, bin) {
          // CPUs overbooked anew count more than any share.
          let share =
            ledger.share(bin, with: item) + 1000 * Double(ledger.overbooking(bin, addingCPUs: ledger.cpusOf[item]))
          if share < least {
            least = share
            best = bin
          }
          compared += 1
          if compared >= comparisons { return best }
        } else {
          missed += 1
          if missed >= misses { return best }
        }
        bin = queue.next(after: bin)
      }
      bucket += 1
    }
    return best
  }
}
