/// Bins in classes of their share, so that the emptiest are found and moved without sorting.
struct BucketQueue {
  static let count = 2048
  /// Buckets per whole share; what is fuller than twice its capacity shares the last bucket.
  static let perShare = 1000.0

  private var head = [Int](repeating: -1, count: count)
  private var following: [Int]
  private var preceding: [Int]
  private var bucket: [Int]
  private(set) var lowest = count

  init(_ ledger: Ledger) {
    following = [Int](repeating: -1, count: ledger.binCount)
    preceding = following
    bucket = following
    for bin in (0..<ledger.binCount).reversed() where ledger.isOpen[bin] { insert(bin, share: ledger.share(bin)) }
  }

  @inline(__always)
  static func bucket(of share: Double) -> Int { min(count - 1, Int(share * perShare)) }

  @inline(__always)
  func first(in bucket: Int) -> Int { head[bucket] }

  @inline(__always)
  func next(after bin: Int) -> Int { following[bin] }

  mutating func move(_ bin: Int, share: Double) {
    if BucketQueue.bucket(of: share) == bucket[bin] { return }
    unlink(bin)
    insert(bin, share: share)
    while lowest < BucketQueue.count, head[lowest] < 0 { lowest += 1 }
  }

  mutating func remove(_ bin: Int) {
    unlink(bin)
    while lowest < BucketQueue.count, head[lowest] < 0 { lowest += 1 }
  }

  private mutating func unlink(_ bin: Int) {
    let old = bucket[bin]
    if preceding[bin] >= 0 { following[preceding[bin]] = following[bin] } else { head[old] = following[bin] }
    if following[bin] >= 0 { preceding[following[bin]] = preceding[bin] }
  }

  private mutating func insert(_ bin: Int, share: Double) {
    let target = BucketQueue.bucket(of: share)
    let successor = head[target]
    following[bin] = successor
    preceding[bin] = -1
    if successor >= 0 { preceding[successor] = bin }
    head[target] = bin
    bucket[bin] = target
    lowest = min(lowest, target)
  }
}
