/// What will happen, in virtual time; what is due at the same moment happens in the order in which it was planned.
public struct EventQueue<Event> {
  private struct Entry {
    var at: Duration
    var order: Int
    var event: Event

    func isBefore(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
  }

  /// A binary heap.
  private var heap: [Entry] = []
  private var count = 0

  public init() {}

  public mutating func add(_ event: Event, at time: Duration) {
    count += 1
    heap.append(Entry(at: time, order: count, event: event))
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  public mutating func next() -> (at: Duration, event: Event)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return (first.at, first.event) }
    heap[0] = last
    var parent = 0
    while true {
      let smallest = [parent, 2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
        .min { heap[$0].isBefore(heap[$1]) }
      guard let smallest, smallest != parent else { break }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
    return (first.at, first.event)
  }
}
