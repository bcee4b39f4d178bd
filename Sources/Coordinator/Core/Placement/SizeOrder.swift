/// Orders of items that placing begins with: the large first, because the small fill what is left.
enum SizeOrder {
  /// What an item's size means: a weight for its memory and one for its CPUs.
  enum Key {
    case larger, memory, cpus, sum
  }

  /// Items by size, the largest first; equal ones by number.
  static func descending(_ items: some Sequence<Int>, in ledger: Ledger, by key: Key = .larger) -> [Int] {
    let scale = scales(of: ledger)
    var keyed = items.map { item in
      let memory = Double(ledger.memoryOf[item]) * scale.memory
      let cpus = Double(ledger.cpusOf[item]) * scale.cpus
      let size =
        switch key {
        case .larger: max(memory, cpus) + 0.001 * min(memory, cpus)
        case .memory: memory + 0.001 * cpus
        case .cpus: cpus + 0.001 * memory
        case .sum: memory + cpus
        }
      return (UInt64.max - UInt64(min(size, 1e6) * 1e9), item)
    }
    keyed.sort { $0.0 != $1.0 ? $0.0 < $1.0 : $0.1 < $1.1 }
    return keyed.map(\.1)
  }

  /// Shares of an average bin per KiB and per CPU.
  static func scales(of ledger: Ledger) -> (memory: Double, cpus: Double) {
    let count = Double(max(1, ledger.binCount))
    let memory = ledger.memoryLimit.reduce(0.0) { $0 + Double($1) } / count
    let cpus = ledger.cpuInverse.reduce(0.0) { $0 + 1 / $1 } / count
    return (1 / max(1, memory), 1 / max(1, cpus))
  }
}
