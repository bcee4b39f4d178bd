import Synchronization

/// The streams that want a connection's events; what the callbacks get as their `opaque`.
final class EventListeners: Sendable {
  typealias Continuation = AsyncStream<DomainEvent>.Continuation

  private struct State {
    var streams: [Int: Continuation] = [:]
    var next = 0
    /// Why the connection was lost, once it is.
    var end: String?
  }

  private let state = Mutex(State())

  /// A number for the stream; if the connection is lost already the stream hears so at once and ends.
  func add(_ continuation: Continuation) -> Int {
    let (number, end) = state.withLock { state in
      state.next += 1
      if state.end == nil { state.streams[state.next] = continuation }
      return (state.next, state.end)
    }
    if let end {
      continuation.yield(.connectionClosed(reason: end))
      continuation.finish()
    }
    return number
  }

  var isEmpty: Bool { state.withLock { $0.streams.isEmpty } }

  func remove(_ number: Int) {
    state.withLock { $0.streams.removeValue(forKey: number) }?.finish()
  }

  /// Ends all streams without a word: their owner has closed the connection.
  func removeAll() {
    for stream in takeAll() { stream.finish() }
  }

  func yield(_ event: DomainEvent) {
    let streams = state.withLock { Array($0.streams.values) }
    for stream in streams { stream.yield(event) }
  }

  /// The connection was lost: the streams hear so and end.
  func lost(_ reason: String) {
    for stream in takeAll(markingEnd: reason) {
      stream.yield(.connectionClosed(reason: reason))
      stream.finish()
    }
  }

  private func takeAll(markingEnd reason: String? = nil) -> [Continuation] {
    state.withLock { state in
      defer { state.streams = [:] }
      if let reason { state.end = reason }
      return Array(state.streams.values)
    }
  }
}
