/// A queue: first in, first out, without the cost of moving everything up at each step.
package struct Fifo<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  /// Those before it are gone.
  private var first = 0

  package init() {}

  package var count: Int { elements.count - first }
  package var isEmpty: Bool { count == 0 }
  /// What is in it, in order.
  package var contents: ArraySlice<Element> { elements[first...] }

  package mutating func append(_ element: Element) {
    elements.append(element)
  }

  /// Jumps the queue.
  package mutating func prepend(_ element: Element) {
    if first > 0 {
      first -= 1
      elements[first] = element
    } else {
      elements.insert(element, at: 0)
    }
  }

  package mutating func popFirst() -> Element? {
    guard first < elements.count else { return nil }
    let element = elements[first]
    first += 1
    // Cut off what is gone now and then; what must be moved is never more than what was taken.
    if first * 2 >= elements.count {
      elements.removeFirst(first)
      first = 0
    }
    return element
  }

  package mutating func removeAll() {
    elements = []
    first = 0
  }
}
