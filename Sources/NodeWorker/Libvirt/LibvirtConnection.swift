public import BlockingPool
import CLibvirt
import Glibc

/// A host's libvirt, as far as a worker needs it: VMs listed, described, started, moved, stopped, and their events.
///
/// May be used by any number of tasks at once. Each call blocks a thread of the pool until libvirt answers, a migration
/// until the VM has moved; a daemon serves five calls of one connection at once (its `max_client_requests`), so give each
/// migration a connection and a pool of its own or it delays the `abortJob` that is to end it.
///
/// Nothing here is tried twice: after `isConnectionLost` open another connection, subscribe again and list everything.
public final class LibvirtConnection: Sendable {
  /// As libvirt spells it.
  public let uri: String
  /// Whether a dead daemon or host is noticed by itself; not so for drivers inside this process.
  public let isKeptAlive: Bool

  private let conversation: Conversation
  private let pool: BlockingPool

  private init(_ conversation: Conversation, isKeptAlive: Bool, pool: BlockingPool) {
    uri = conversation.uri
    self.isKeptAlive = isKeptAlive
    self.conversation = conversation
    self.pool = pool
  }

  deinit {
    // Only for an owner that forgot `close`: letting go may talk to the daemon, and this may be any thread.
    let conversation = conversation
    pool.submit { conversation.end() }
  }

  /// Opens a connection (`virConnectOpen`), and before the first one starts libvirt's event loop.
  ///
  /// - Parameters:
  ///   - uri: "qemu:///system", "qemu+tcp://node1/system", "test:///default".
  ///   - keepAlive: when to give up a silent daemon; nil: never, or when TCP does.
  ///   - pool: where this connection's calls block.
  public static func open(
    _ uri: String, keepAlive: KeepAlive? = .init(interval: 5, count: 5), pool: BlockingPool
  ) async throws(LibvirtError) -> LibvirtConnection {
    let (conversation, isKeptAlive) = try await pool.run { () throws(LibvirtError) in
      try dial(uri, keepAlive: keepAlive)
    }
    return LibvirtConnection(conversation, isKeptAlive: isKeptAlive, pool: pool)
  }

  /// Ends the conversation: event streams finish, later calls fail. Idempotent.
  ///
  /// Calls that run at this moment go on, and the connection ends with the last of them.
  public func close() async {
    let conversation = conversation
    await pool.run { conversation.end() }
  }

  /// Whether calls have a chance, as far as this side knows (`virConnectIsAlive`); asks nobody.
  public func isAlive() async -> Bool {
    do throws(LibvirtError) {
      return try await perform { connection in connection.isAlive }
    } catch {
      return false  // closed, by us
    }
  }

  /// What the host reports by itself, from now on; see `DomainEvent`.
  ///
  /// The stream keeps everything until it is read, without a bound: events are small and come no faster than VMs change,
  /// and one that is dropped is a change that nobody repeats. It ends with `connectionClosed` when the connection is
  /// lost, silently after `close`. Each call makes a stream of its own; when its reader stops, it is deregistered.
  public func events() async throws(LibvirtError) -> AsyncStream<DomainEvent> {
    let (stream, continuation) = AsyncStream.makeStream(of: DomainEvent.self, bufferingPolicy: .unbounded)
    let conversation = conversation
    let number = conversation.listeners.add(continuation)
    // Deregistering asks the daemon, and the stream may end on any thread.
    continuation.onTermination = { [weak conversation, pool] _ in
      pool.submit { [weak conversation] in conversation?.unsubscribe(number) }
    }
    do throws(LibvirtError) {
      try await pool.run { () throws(LibvirtError) in try conversation.subscribe() }
    } catch {
      continuation.finish()
      throw error
    }
    return stream
  }

  /// Calls libvirt on the pool.
  func perform<T: Sendable>(
    _ body: @escaping @Sendable (ConnectionPointer) throws(LibvirtError) -> T
  ) async throws(LibvirtError) -> T {
    let conversation = conversation
    return try await pool.run { () throws(LibvirtError) in try conversation.use(body) }
  }

  /// Looks the VM up and calls libvirt with it, on the pool.
  func perform<T: Sendable>(
    on reference: DomainReference, _ body: @escaping @Sendable (borrowing DomainHandle) throws(LibvirtError) -> T
  ) async throws(LibvirtError) -> T {
    try await perform { connection throws(LibvirtError) in
      try body(DomainHandle.find(reference, on: connection))
    }
  }
}

extension LibvirtConnection {
  private static func dial(
    _ uri: String, keepAlive: KeepAlive?
  ) throws(LibvirtError) -> (Conversation, isKeptAlive: Bool) {
    try checkText(uri, "URI", for: "virConnectOpen")
    try EventLoop.ensureRunning()
    guard let raw = unsafe virConnectOpen(uri) else { throw .last("virConnectOpen") }
    let connection = unsafe ConnectionPointer(raw: raw)
    do throws(LibvirtError) {
      let isKeptAlive = try keep(connection, alive: keepAlive)
      let spelling = try unsafe text("virConnectGetURI") { unsafe virConnectGetURI(connection.raw) }
      let listeners = EventListeners()
      // The test driver inside this process accepts the callback, never calls it and never lets go of it.
      let reportsItsEnd = !spelling.hasPrefix("test:///")
      if reportsItsEnd { try EventCallbacks.registerClose(listeners, on: connection) }
      let conversation = Conversation(
        connection, uri: spelling, listeners: listeners, reportsItsEnd: reportsItsEnd)
      return (conversation, isKeptAlive)
    } catch {
      connection.release()
      throw error
    }
  }

  private static func keep(_ connection: ConnectionPointer, alive: KeepAlive?) throws(LibvirtError) -> Bool {
    guard let alive else { return false }
    switch unsafe virConnectSetKeepAlive(connection.raw, alive.interval, alive.count) {
    case 0: return true
    case 1: return false  // the other side is too old for it
    default:
      let error = LibvirtError.last("virConnectSetKeepAlive")
      // A driver inside this process has no connection that could go silent.
      guard error.code == VIR_ERR_NO_SUPPORT.rawValue else { throw error }
      return false
    }
  }

  /// A string that libvirt has allocated for us.
  static func text(
    _ operation: String, _ call: () -> UnsafeMutablePointer<CChar>?
  ) throws(LibvirtError) -> String {
    guard let text = unsafe call() else { throw .last(operation) }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }
}
