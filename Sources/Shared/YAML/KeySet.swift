/// Which entries of a mapping have been read. Without memory of its own for mappings of up to 64 keys.
struct KeySet: Sendable {
  private(set) var count = 0
  private var first: UInt64 = 0
  private var others: Set<Int> = []

  func contains(_ index: Int) -> Bool {
    index < 64 ? first & (1 << UInt64(index)) != 0 : others.contains(index)
  }

  mutating func insert(_ index: Int) {
    if index < 64 {
      let bit: UInt64 = 1 << UInt64(index)
      if first & bit == 0 { count += 1 }
      first |= bit
    } else if others.insert(index).inserted {
      count += 1
    }
  }
}
