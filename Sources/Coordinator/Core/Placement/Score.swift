/// What a search tries to make small, the first number before the second and so on.
struct Score: Comparable {
  var parts: (Double, Double, Double, Double)

  static func < (left: Score, right: Score) -> Bool {
    if left.parts.0 != right.parts.0 { return left.parts.0 < right.parts.0 }
    if left.parts.1 != right.parts.1 { return left.parts.1 < right.parts.1 }
    if left.parts.2 != right.parts.2 { return left.parts.2 < right.parts.2 }
    return left.parts.3 < right.parts.3
  }

  static func == (left: Score, right: Score) -> Bool {
    left.parts.0 == right.parts.0 && left.parts.1 == right.parts.1 && left.parts.2 == right.parts.2
      && left.parts.3 == right.parts.3
  }
}

/// What is wanted of an arrangement besides that as few items as possible are left.
enum Objective {
  /// Room in few places, so that what is left finds some.
  case fewest
  /// As little memory without a place as possible, whatever the number: on the way to none.
  case everything
  /// The fullest receiving bin as little full as possible.
  case auto
  /// The same number everywhere.
  case scatter

  /// - Parameter bins: those that may receive; the others do not change.
  func score(_ ledger: Ledger, _ bins: [Int]) -> Score {
    let unplaced = Double(ledger.unplacedCount)
    switch self {
    case .fewest, .everything:
      var room = 0.0
      for bin in bins {
        let memory = Double(ledger.freeMemory(bin)) * ledger.memoryInverse[bin]
        let cpus = Double(ledger.cpuLimit[bin] - ledger.cpus[bin]) * ledger.cpuInverse[bin]
        room += memory * memory + 0.3 * min(cpus * cpus, 1)
      }
      guard self == .everything else { return Score(parts: (unplaced, Double(ledger.overbooked), -room, 0)) }
      var memory = 0
      for item in 0..<ledger.itemCount where ledger.bin[item] < 0 { memory += 1 + ledger.memoryOf[item] }
      return Score(parts: (Double(memory), Double(ledger.overbooked), -room, 0))
    case .auto:
      var highest = 0.0
      var squares = 0.0
      for bin in bins {
        let share = ledger.share(bin)
        if ledger.received[bin] > 0 { highest = max(highest, share) }
        squares += share * share
      }
      return Score(parts: (unplaced, Double(ledger.overbooked), highest, squares))
    case .scatter:
      return Score(
        parts: (
          unplaced, Double(Objective.imbalance(ledger)), Double(ledger.overbooked), ledger.highestReceivingShare
        ))
    }
  }

  /// How far the received numbers are from equal.
  static func imbalance(_ ledger: Ledger) -> Int {
    let low = ledger.placedCount / max(1, ledger.binCount)
    let high = (ledger.placedCount + ledger.binCount - 1) / max(1, ledger.binCount)
    return ledger.received.reduce(0) { $0 + max(0, $1 - high) + max(0, low - $1) }
  }
}
