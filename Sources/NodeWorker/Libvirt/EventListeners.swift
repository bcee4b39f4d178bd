import Synchronization

/// The streams that want a connection's events.
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

  /// The stream of that number; nil once it has ended.
  subscript(number: Int) -> Continuation? { state.withLock { $0.streams[number] } }

  func remove(_ number: Int) {
    state.withLock { $0.streams.removeValue(forKey: number) }?.finish()
  }

  /// Ends all streams without a word: their owner has closed the connection.
  func removeAll() {
    finish(saying: nil)
  }

  /// The connection was lost.
  func lost(_ reason: String) {
    state.withLock { $0.end = reason }
    finish(saying: .connectionClosed(reason: reason))
  }

  private func finish(saying event: DomainEvent?) {
    let streams = state.withLock { state in
      defer { state.streams = [:] }
      return state.streams.values
    }
    for stream in streams {
      if let event { stream.yield(event) }
      stream.finish()
    }
  }
}
