/// What ends when: the earliest first, of equal ones the lower number.
struct EventHeap {
  private var entries: [(time: Int, job: Int)] = []

  var first: (time: Int, job: Int)? { entries.first }

  mutating func push(_ time: Int, _ job: Int) {
    entries.append((time, job))
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(entries[child], entries[parent]) else { break }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> (time: Int, job: Int)? {
    guard let top = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return top }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < entries.count else { break }
      if child + 1 < entries.count, isBefore(entries[child + 1], entries[child]) { child += 1 }
      guard isBefore(entries[child], last) else { break }
      entries[parent] = entries[child]
      parent = child
    }
    entries[parent] = last
    return top
  }

  @inline(__always)
  private func isBefore(_ left: (time: Int, job: Int), _ right: (time: Int, job: Int)) -> Bool {
    left.time != right.time ? left.time < right.time : left.job < right.job
  }
}
