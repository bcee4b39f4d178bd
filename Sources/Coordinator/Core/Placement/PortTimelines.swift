/// How many slots of each port are taken, and when: jobs are put in one after another, each as early as both of its
/// ports have a slot for all of its time.
///
/// List scheduling gives a slot that gets free to somebody at once, and a busy port loses time where the other ends of
/// its last jobs have given theirs away. Here the busiest ports choose first, and the others fill what is between.
struct PortTimelines {
  /// From `start` on, until the next change, so many slots are taken.
  private struct Change {
    var start: Int
    var taken: Int
  }

  private let slots: [Int]
  private var changes: [[Change]]

  init(slots: [Int]) {
    self.slots = slots
    changes = [[Change]](repeating: [Change(start: 0, taken: 0)], count: slots.count)
  }

  /// - Returns: when the job starts, in microseconds.
  mutating func add(_ duration: Int, _ out: Int, _ into: Int) -> Int {
    var start = 0
    while true {
      let first = earliest(out, from: start, duration)
      start = earliest(into, from: first, duration)
      if start == first { break }
    }
    take(out, from: start, until: start + duration)
    take(into, from: start, until: start + duration)
    return start
  }

  /// The earliest time, not before `start`, from which on the port has a slot for so long.
  private func earliest(_ port: Int, from start: Int, _ duration: Int) -> Int {
    var start = start
    let changes = changes[port]
    for (number, change) in changes.enumerated() where change.taken >= slots[port] {
      if change.start >= start + duration { break }
      // The last change sets a port free for ever.
      if changes[number + 1].start > start { start = changes[number + 1].start }
    }
    return start
  }

  private mutating func take(_ port: Int, from start: Int, until end: Int) {
    guard start < end else { return }
    let first = split(port, at: start)
    let last = split(port, at: end)
    for number in first..<last { changes[port][number].taken += 1 }
  }

  /// The change at this time, which is made if there is none.
  private mutating func split(_ port: Int, at time: Int) -> Int {
    let next = changes[port].firstIndex { $0.start >= time } ?? changes[port].count
    if next < changes[port].count, changes[port][next].start == time { return next }
    changes[port].insert(Change(start: time, taken: changes[port][next - 1].taken), at: next)
    return next
  }
}
