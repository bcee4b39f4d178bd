import Synchronization

/// A value that arrives once, and those who wait for it.
///
/// A reply and a cancellation may race: the first value wins, later ones are ignored.
package final class Promise<Value: Sendable>: Sendable {
  private enum State {
    /// Goes to `kept`.
    case open(waiting: [CheckedContinuation<Value, Never>])
    /// The end.
    case kept(Value)
  }

  private let state = Mutex(State.open(waiting: []))

  package init() {}

  package var isKept: Bool {
    state.withLock { if case .kept = $0 { true } else { false } }
  }

  /// Gives the value to all who wait and will wait; without effect if there is one already.
  package func keep(_ value: Value) {
    let waiting = state.withLock { state in
      guard case .open(let waiting) = state else { return [CheckedContinuation<Value, Never>]() }
      state = .kept(value)
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: value) }
  }

  /// Waits for the value, however long; who must answer to cancellation keeps a value in its own `onCancel`.
  package func value() async -> Value {
    await withCheckedContinuation { continuation in
      let value = state.withLock { state -> Value? in
        switch state {
        case .kept(let value): return value
        case .open(let waiting):
          state = .open(waiting: waiting + [continuation])
          return nil
        }
      }
      if let value { continuation.resume(returning: value) }
    }
  }
}

extension Promise {
  /// Waits for a success or failure; a cancelled caller gets `cancelled` at once.
  package func outcome<Success>(orWhenCancelled cancelled: BusError) async throws(BusError) -> Success
  where Value == Result<Success, BusError> {
    let result = await withTaskCancellationHandler {
      await value()
    } onCancel: {
      keep(.failure(cancelled))
    }
    return try result.get()
  }
}
