/// First in, first out, without moving what waits: the front is a place in the array, given back now and then.
struct WorkQueue {
  typealias Work = @Sendable () -> Void

  private var items: [Work?] = []
  private var front = 0

  var isEmpty: Bool { front == items.count }

  mutating func append(_ work: @escaping Work) {
    items.append(work)
  }

  mutating func popFirst() -> Work? {
    guard front < items.count else { return nil }
    // The place is emptied at once, since the work may hold the last reference to something.
    let work = items[front]
    items[front] = nil
    front += 1
    if front == items.count {
      items.removeAll(keepingCapacity: true)
      front = 0
    } else if front >= 64, front * 2 > items.count {
      items.removeFirst(front)
      front = 0
    }
    return work
  }
}
