import BlockingPool
import CLibvirt
import Synchronization

/// The open connection behind a `LibvirtConnection`: who may use it, what is registered on it, and its end.
///
/// Every method blocks and belongs on the pool.
final class Conversation: Sendable {
  private struct State {
    /// nil after the end.
    var pointer: ConnectionPointer?
    var subscriptions: [Int: [Int32]] = [:]
  }

  let uri: String
  let listeners: EventListeners
  private let reportsItsEnd: Bool
  private let state: Mutex<State>

  /// - Parameter reportsItsEnd: a close callback has been registered, with `listeners`.
  init(_ pointer: ConnectionPointer, uri: String, listeners: EventListeners, reportsItsEnd: Bool) {
    self.uri = uri
    self.listeners = listeners
    self.reportsItsEnd = reportsItsEnd
    state = Mutex(State(pointer: pointer))
  }

  /// Calls libvirt with a connection that stays in being until `body` is through, even if `end` comes meanwhile.
  func use<T>(_ body: (ConnectionPointer) throws(LibvirtError) -> T) throws(LibvirtError) -> T {
    let pointer = state.withLock { state in
      state.pointer?.retain()
      return state.pointer
    }
    guard let pointer else { throw closedError }
    defer { pointer.release() }
    do throws(LibvirtError) {
      return try body(pointer)
    } catch {
      var error = error
      error.isConnectionLost = !pointer.isAlive
      throw error
    }
  }

  /// Registers for the listener's events; `unsubscribe` takes it back.
  func subscribe(_ listener: Int) throws(LibvirtError) {
    try use { connection throws(LibvirtError) in
      guard let stream = listeners[listener] else { return }
      let callbacks = try EventCallbacks.register(stream, on: connection)
      let isOpen = state.withLock { state in
        guard state.pointer != nil else { return false }
        state.subscriptions[listener] = callbacks
        return true
      }
      guard isOpen else {
        EventCallbacks.deregister(callbacks, on: connection)
        throw closedError
      }
    }
  }

  /// Idempotent; without effect after the end, which has taken back everything.
  func unsubscribe(_ listener: Int) {
    listeners.remove(listener)
    let (pointer, callbacks) = state.withLock { state in
      let callbacks = state.subscriptions.removeValue(forKey: listener)
      if callbacks != nil { state.pointer?.retain() }
      return (state.pointer, callbacks)
    }
    guard let callbacks, let pointer else { return }
    EventCallbacks.deregister(callbacks, on: pointer)
    pointer.release()
  }

  /// Takes back all callbacks, ends the streams and lets go of the connection. Idempotent.
  ///
  /// A call that runs on another thread keeps the connection open until it returns.
  func end() {
    let (pointer, callbacks) = state.withLock { state in
      defer {
        state.pointer = nil
        state.subscriptions = [:]
      }
      return (state.pointer, state.subscriptions.values.flatMap { $0 })
    }
    guard let pointer else { return }
    // Each callback holds a reference to the connection: left registered, they would keep it open for ever.
    EventCallbacks.deregister(callbacks, on: pointer)
    if reportsItsEnd { EventCallbacks.deregisterClose(on: pointer) }
    listeners.removeAll()
    pointer.release()
  }

  private var closedError: LibvirtError {
    LibvirtError(
      operation: "virConnectRef", code: Int32(VIR_ERR_INVALID_CONN.rawValue), domain: 0,
      message: "the connection to \(uri) has been closed", isConnectionLost: true)
  }
}
