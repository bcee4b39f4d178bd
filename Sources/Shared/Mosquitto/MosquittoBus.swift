import CMosquitto
import Glibc
public import MessageBus

/// The bus over a real MQTT broker: libmosquitto, MQTT v5, one thread of its own.
///
/// * The connection is made and remade on that thread, with growing pauses, until `close`; every failure is an event.
/// * The session is kept by the broker (`BusSession.expiry`) and all subscriptions are renewed at each connection;
///   `.connected` comes when the broker has granted them. Messages that the broker has kept for us, and retained ones,
///   may arrive *before* it.
/// * Messages are subscribed to with quality 1, whatever they were published with: it is the only one whose
///   acknowledgement waits for the handler.
/// * Publishing while the broker is away: quality 1 and 2 wait, in order, bounded by `BusTuning`, and what expires
///   meanwhile fails; quality 0 fails at once.
/// * The client id belongs to one program: who loses it to another gets `.takenOver` and stays away.
public final class MosquittoBus: MessageBus {
  private let client: Client
  private let broker: BrokerAddress
  private let tuning: BusTuning
  private let isSessionKept: Bool

  /// Checks everything that can be checked without the broker.
  public init(
    session: BusSession, broker: BrokerAddress, tuning: BusTuning = BusTuning()
  ) throws(BusError) {
    for filter in session.subscriptions { try Self.check(filter) }
    if let will = session.will { try Self.check(will, "the will of '\(session.clientID)'") }
    client = try Client(session: session, broker: broker, tuning: tuning)
    self.broker = broker
    self.tuning = tuning
    isSessionKept = session.expiry > .zero
  }

  /// Without `close` the connection ends as if the program had crashed: the broker publishes the will.
  deinit {
    client.requestClose(farewell: nil, limit: .zero, isCut: true)
  }

  public func start(_ handler: @escaping @Sendable (BusEvent) -> Void) throws(BusError) {
    try client.markStarted()
    let thread = LoopThread(
      client: client, broker: broker, tuning: tuning, isSessionKept: isSessionKept, handler: handler)
    do {
      try thread.start()
    } catch {
      client.end(error)
      throw error
    }
  }

  @discardableResult
  public func publish(_ message: BusMessage) async throws(BusError) -> Delivery {
    try Self.check(message, "publish to \(message.topic)")
    guard message.quality != .atMostOnce else {
      try client.send(message)
      return .accepted
    }
    let promise = Client.Waiter()
    try client.enqueue(message, promise)
    return try await promise.outcome(
      orWhenCancelled: BusError(.cancelled, "publish to \(message.topic): cancelled while it waited for the broker"))
  }

  public func subscribe(to filters: [TopicFilter]) async throws(BusError) {
    for filter in filters { try Self.check(filter) }
    guard !filters.isEmpty else { return }
    let promise = Client.Granted()
    try client.subscribe(to: filters, promise)
    _ = try await promise.outcome(
      orWhenCancelled: BusError(.cancelled, "subscribe: cancelled while it waited for the broker"))
  }

  public func close(farewell: BusMessage?) async {
    client.requestClose(farewell: farewell, limit: tuning.farewellLimit)
    // The thread may be caught in the system's resolver; it ends by itself when that returns. Awaited by nobody: it
    // keeps a promise, and is cancelled below. Not a child task, because a cancelled caller must wait as well.
    let ended = client.ended
    let limit = tuning.farewellLimit + .seconds(2)
    let timer = Task {
      try? await Task.sleep(for: limit)
      ended.keep(())
    }
    await ended.value()
    timer.cancel()
  }

  /// How many messages the broker has not acknowledged yet.
  public var backlog: Int { client.backlog }

  /// Ends the connection as a crash of this program would, without farewell: for tests.
  package func cut() async {
    client.requestClose(farewell: nil, limit: .zero, isCut: true)
    await client.ended.value()
  }

  // MARK: Checks

  private static func check(_ message: BusMessage, _ what: String) throws(BusError) {
    try check(message.topic, what)
    guard message.payload.count <= 268_435_455 else {
      throw BusError(.refused, "\(what): \(message.payload.count) bytes are more than MQTT allows")
    }
    if let topic = message.responseTopic { try check(topic, "\(what): response topic") }
  }

  private static func check(_ filter: TopicFilter) throws(BusError) {
    try check(filter.description, "subscribe to \(filter)", mayHaveWildcards: true)
  }

  private static func check(
    _ topic: String, _ what: String, mayHaveWildcards: Bool = false
  ) throws(BusError) {
    let length = topic.utf8.count
    guard length > 0, length <= 65535, !topic.utf8.contains(0),
      unsafe mosquitto_validate_utf8(topic, Int32(length)) == MOSQ_ERR_SUCCESS.rawValue,
      unsafe (mayHaveWildcards ? mosquitto_sub_topic_check(topic) : mosquitto_pub_topic_check(topic))
        == MOSQ_ERR_SUCCESS.rawValue
    else { throw BusError(.invalid, "\(what): '\(topic)' is not a topic that MQTT allows here") }
  }
}
