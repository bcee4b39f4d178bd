/// Places items one after another where the share afterwards is least.
enum Spreading {
  /// Bins that fit and are compared for one item; more hardly finds better ones.
  private static let comparisons = 12
  /// Bins without room that are looked at for one item before it is left to the repairs.
  private static let misses = 2000

  static func place(_ items: [Int], in ledger: inout Ledger) {
    var queue = BucketQueue(ledger)
    for item in items {
      let best = leastShare(for: item, in: ledger, queue)
      guard best >= 0 else { continue }
      ledger.place(item, best)
      queue.move(best, share: ledger.share(best))
    }
  }

  /// The same, but nobody receives a second item before everybody could have had a first, and so on.
  static func placeInRounds(_ items: [Int], in ledger: inout Ledger) {
    var start = 0
    while start < items.count, ledger.binCount > 0 {
      let end = min(items.count, start + ledger.binCount)
      let isOpen = ledger.isOpen
      var queue = BucketQueue(ledger)
      for item in items[start..<end] {
        let best = leastShare(for: item, in: ledger, queue)
        guard best >= 0 else { continue }
        ledger.place(item, best)
        ledger.isOpen[best] = false
        queue.remove(best)
      }
      ledger.isOpen = isOpen
      start = end
    }
  }

  private static func leastShare(for item: Int, in ledger: Ledger, _ queue: BucketQueue) -> Int {
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
          let share = ledger.share(bin, with: item)
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
