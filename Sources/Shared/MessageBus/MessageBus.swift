/// The transport between workers, coordinator and schedulers: MQTT's meaning without MQTT's library.
///
/// Two implementations: `MosquittoBus` (a real broker) and `InMemoryBus` (tests and simulation, with faults to order).
/// Both keep the session of a fixed client id, so that what was published while a program was away arrives later.
public protocol MessageBus: Sendable {
  /// Connects and keeps connected until `close`; returns at once, a broker that is down is waited for.
  ///
  /// - Parameter handler: called for each event, one after another, on the bus's own thread. A message is acknowledged
  ///   to the broker only *after* the handler has returned: what must survive a crash is written to disk inside it.
  ///   The handler must not call the bus.
  func start(_ handler: @escaping @Sendable (BusEvent) -> Void) throws(BusError)

  /// Publishes; with `atLeastOnce` and above returns when the broker has acknowledged, however long that takes.
  ///
  /// While the broker is away the message waits in a bounded queue; quality `atMostOnce` is not kept, and fails.
  /// - Throws: `BusError` when the queue is full, the bus is closed, the broker refuses the message, the message expires
  ///   in the queue, or the calling task is cancelled (the message stays under way then).
  @discardableResult
  func publish(_ message: BusMessage) async throws(BusError) -> Delivery

  /// Adds subscriptions to those of the session; returns when the broker has granted them.
  func subscribe(to filters: [TopicFilter]) async throws(BusError)

  /// Says goodbye (`farewell` is published and acknowledged first, and no will is sent), disconnects, ends the thread.
  func close(farewell: BusMessage?) async
}

/// What the broker said about a message that it has taken.
public enum Delivery: Sendable, Equatable {
  /// Somebody subscribes to the topic, or it was not said (quality `atMostOnce`).
  case accepted
  /// Nobody subscribes to the topic: a command to a worker that has never been there.
  case noSubscriber
}

/// What happens on the bus.
public enum BusEvent: Sendable, Equatable {
  /// The connection stands and the session's subscriptions are granted. Retained messages and those that the session
  /// has kept may have arrived *before* it.
  /// `sessionPresent` false: the broker knew nothing of us, and what was sent to us meanwhile is lost.
  case connected(sessionPresent: Bool)
  /// The connection is lost or could not be made; the bus tries again by itself after `retryIn`.
  case disconnected(reason: String, retryIn: Duration)
  /// A message has arrived.
  case message(BusMessage)
  /// Another program has connected with our client id: this one has lost the session and does not fight for it.
  case takenOver
}

/// The identity and the standing wishes of one client of the broker.
public struct BusSession: Sendable, Equatable {
  /// Fixed for each role ("migfra-worker-node1"): the broker keeps the session under it.
  public var clientID: String
  /// Asked for at each connection.
  public var subscriptions: [TopicFilter]
  /// What the broker publishes for us when we vanish without a farewell.
  public var will: BusMessage?
  /// How long the broker waits before it does, so that a short cut is no news.
  public var willDelay: Duration
  /// How long the broker keeps the session of an absent client; zero: no longer than the connection.
  public var expiry: Duration
  /// How often a silent connection is probed; 5 s at least.
  public var keepAlive: Duration

  public init(
    clientID: String, subscriptions: [TopicFilter], will: BusMessage? = nil, willDelay: Duration = .zero,
    expiry: Duration = .seconds(24 * 3600), keepAlive: Duration = .seconds(10)
  ) {
    self.clientID = clientID
    self.subscriptions = subscriptions
    self.will = will
    self.willDelay = willDelay
    self.expiry = expiry
    self.keepAlive = keepAlive
  }
}

/// Why the bus could not do what it was asked.
public struct BusError: Error, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// The session is closed, or not started.
    case closed
    /// Too much waits for a broker that is away.
    case queueFull
    /// The broker refused (not authorised, bad topic, too large).
    case refused
    /// The topic, the filter or the configuration is not valid.
    case invalid
    /// The calling task was cancelled while it waited; the message itself may still be delivered.
    case cancelled
    /// The library or the system failed.
    case failed
  }

  public var code: Code
  /// The operation, its subject and the cause in words: "publish to fast/x: not authorised".
  public var description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
