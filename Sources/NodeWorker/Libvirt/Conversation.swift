import CLibvirt
import Synchronization

/// The open connection behind a `LibvirtConnection`: who may use it, what is registered on it, and its end.
///
/// Every method blocks and belongs on the pool.
final class Conversation: Sendable {
  let uri: String
  let listeners: EventListeners
  /// A close callback has been registered, with `listeners`.
  private let reportsItsEnd: Bool
  /// nil after the end.
  private let pointer: Mutex<ConnectionPointer?>
  /// libvirt's numbers for the callbacks that feed `listeners`; empty while nobody listens.
  ///
  /// Unlike other locks held while the daemon is asked, so that two streams cannot register or deregister at once; only
  /// the pool's threads take it, never a callback.
  private let callbacks = Mutex<[Int32]>([])

  init(_ pointer: ConnectionPointer, uri: String, listeners: EventListeners, reportsItsEnd: Bool) {
    self.uri = uri
    self.listeners = listeners
    self.reportsItsEnd = reportsItsEnd
    self.pointer = Mutex(pointer)
  }

  /// Calls libvirt with a connection that stays in being until `body` is through, even if `end` comes meanwhile.
  func use<T>(_ body: (ConnectionPointer) throws(LibvirtError) -> T) throws(LibvirtError) -> T {
    guard let pointer = retainedPointer() else { throw closedError }
    defer { pointer.release() }
    do throws(LibvirtError) {
      return try body(pointer)
    } catch {
      var error = error
      if !pointer.isAlive { error.isConnectionLost = true }
      throw error
    }
  }

  /// Has libvirt report to the listeners; needless while it does so already.
  func subscribe() throws(LibvirtError) {
    try use { connection throws(LibvirtError) in
      try callbacks.withLock { callbacks throws(LibvirtError) in
        guard !listeners.isEmpty, callbacks.isEmpty else { return }
        // `end` first forgets the pointer and then comes for the callbacks: what is registered here, it takes back.
        guard pointer.withLock({ $0 != nil }) else { throw closedError }
        callbacks = try EventCallbacks.register(listeners, on: connection)
      }
    }
  }

  /// Forgets a stream, and with the last one libvirt's reports.
  func unsubscribe(_ listener: Int) {
    listeners.remove(listener)
    guard let pointer = retainedPointer() else { return }  // `end` sees to it
    defer { pointer.release() }
    callbacks.withLock { callbacks in
      guard listeners.isEmpty else { return }
      EventCallbacks.deregister(callbacks, on: pointer)
      callbacks = []
    }
  }

  /// Takes back all callbacks, ends the streams and lets go of the connection. Idempotent.
  ///
  /// A call that runs on another thread keeps the connection open until it returns.
  func end() {
    let pointer = pointer.withLock { $0.take() }
    guard let pointer else { return }
    callbacks.withLock { callbacks in
      // Each callback holds a reference to the connection: left registered, they would keep it open for ever.
      EventCallbacks.deregister(callbacks, on: pointer)
      callbacks = []
    }
    if reportsItsEnd { EventCallbacks.deregisterClose(on: pointer) }
    listeners.removeAll()
    pointer.release()
  }

  private func retainedPointer() -> ConnectionPointer? {
    pointer.withLock { pointer in
      pointer?.retain()
      return pointer
    }
  }

  private var closedError: LibvirtError {
    LibvirtError(
      operation: "virConnectRef", code: Int32(VIR_ERR_INVALID_CONN.rawValue), domain: 0,
      message: "the connection to \(uri) has been closed", isConnectionLost: true)
  }
}
