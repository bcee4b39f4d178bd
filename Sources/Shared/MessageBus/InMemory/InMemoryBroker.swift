import Synchronization

/// A broker in this process, for tests and simulation: MQTT's meaning, mosquitto's habits, faults to order.
///
/// **Order.** There is no thread. Whoever calls the broker or one of its buses (publish, cut, start, advance, ...) makes
/// the deliveries that follow from it before the call returns, unless another call is at that already: then that one
/// makes them too. So there is one delivery at a time in the whole broker, in the order of publication, for one message
/// in the order in which the clients' sessions began. The same calls give the same deliveries.
///
/// **Time** stands still until `advance`: delayed wills, the expiry of sessions and of messages depend on it.
///
/// **As mosquitto does**: messages go out with quality `atLeastOnce` at most; those of the session and retained ones
/// arrive before `.connected`; an absent client's queue is bounded, and what is too much is dropped without a word; a
/// client id that connects a second time throws the first one out; no will is sent for a session that is taken over.
public final class InMemoryBroker: Sendable {
  private let state: Mutex<BrokerState>

  /// - Parameter queueLimit: how many messages are kept for an absent client.
  public init(queueLimit: Int = 1000) {
    state = Mutex(BrokerState(queueLimit: queueLimit))
  }

  /// A client of this broker; it connects when started. Two buses with the same client id are the same program before
  /// and after a restart.
  /// - Parameter outboxLimit: how many messages may wait while the broker is away.
  public func bus(_ session: BusSession, outboxLimit: Int = 10_000) -> InMemoryBus {
    let number = state.withLock { $0.addClient(session, outboxLimit: outboxLimit) }
    return InMemoryBus(number: number, broker: self)
  }

  // MARK: Faults

  /// Asks `plan` what happens to each delivery: the message, the client id. It must not call the broker.
  public func setFaults(_ plan: @escaping @Sendable (BusMessage, String) -> Fault) {
    state.withLock { $0.plan = plan }
  }

  /// Applies these faults to the next deliveries, one each, before the plan is asked again.
  public func script(_ faults: [Fault]) {
    state.withLock { state in for fault in faults { state.script.append(fault) } }
  }

  /// Delivers all that is delayed.
  public func flush() { perform { $0.flush() } }

  /// Goes away: every client loses its connection.
  /// - Parameter keepingState: false: sessions, queues and retained messages are lost, as without persistence.
  public func stop(keepingState: Bool) { perform { $0.stop(keepingState: keepingState) } }

  /// Comes back: the clients connect again, in the order in which they were made.
  public func start() { perform { $0.start() } }

  /// Refuses connections of a client id from now on.
  public func refuse(_ clientID: String, because reason: String) {
    state.withLock { $0.refusals[clientID] = reason }
  }

  /// Lets it in again, at once.
  public func admit(_ clientID: String) { perform { $0.admit(clientID) } }

  /// Lets time pass.
  public func advance(by duration: Duration) { perform { $0.advance(by: duration) } }

  // MARK: Views

  /// The retained messages by topic.
  public var retained: [String: BusMessage] { state.withLock { $0.retained.mapValues(\.message) } }

  /// How many messages wait for a client that is absent.
  public func queued(for clientID: String) -> Int {
    state.withLock { $0.sessions[clientID]?.queue.count ?? 0 }
  }

  // MARK: The engine

  /// Changes the state, then makes the deliveries that follow from it.
  @discardableResult
  func perform<Value, Failure: Error>(
    _ change: (inout BrokerState) throws(Failure) -> sending Value
  ) throws(Failure) -> sending Value {
    let value = try state.withLock { state throws(Failure) in try change(&state) }
    deliver()
    return value
  }

  private func deliver() {
    let isOurs = state.withLock { state in
      guard !state.isDelivering else { return false }
      state.isDelivering = true
      return true
    }
    guard isOurs else { return }
    var last: BrokerState.Call?
    while true {
      // Handlers run outside the lock: they may cut or crash their own client.
      let (call, settled) = state.withLock { state in
        if let last { state.finish(last) }
        let call = state.nextCall()
        if call == nil { state.isDelivering = false }
        return (call, state.takeSettled())
      }
      for (waiter, result) in settled { waiter.keep(result) }
      guard let call else { return }
      for _ in 0..<call.times { call.handler(call.event) }
      last = call
    }
  }
}
