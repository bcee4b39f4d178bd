import CMosquitto
import MessageBus
import Synchronization

/// What the callers of the bus and its thread share.
final class Client: Sendable {
  typealias Waiter = Promise<Result<Delivery, BusError>>
  typealias Granted = Promise<Result<Bool, BusError>>

  let handle: ClientHandle
  let wakeUp: WakeUp
  /// Kept when the thread has ended (or never was).
  let ended = Promise<Void>()
  private let state: Mutex<State>

  struct State: Sendable {
    enum Stage: Sendable {
      /// Goes to `running` or `over`.
      case initial
      /// Goes to `closing` or `over`.
      case running
      /// The farewell is under way; goes to `over`.
      case closing(Closing)
      /// Why nothing is possible any more.
      case over(BusError)
    }
    var stage = Stage.initial
    /// Whether messages go straight to the library; otherwise they wait in the outbox.
    var isUp = false
    var outbox: Outbox<Waiter>
    var subscriptions: Subscriptions<Granted>
  }

  /// How the bus is to end.
  struct Closing: Sendable {
    /// Nil: nothing to wait for.
    let farewell: Waiter?
    let deadline: ContinuousClock.Instant
    /// Without DISCONNECT, as after a crash.
    let isCut: Bool

    func isDue(_ now: ContinuousClock.Instant) -> Bool {
      farewell?.isKept ?? true || now >= deadline
    }
  }

  init(session: BusSession, broker: BrokerAddress, tuning: BusTuning) throws(BusError) {
    handle = try ClientHandle(session: session, broker: broker)
    wakeUp = try WakeUp()
    state = Mutex(
      State(
        outbox: Outbox(messageLimit: tuning.outboxMessages, byteLimit: tuning.outboxBytes),
        subscriptions: Subscriptions(session.subscriptions)))
  }

  // MARK: The callers' side

  /// - Throws: if it has been started, or is over.
  func markStarted() throws(BusError) {
    try state.withLock { state throws(BusError) in
      guard case .initial = state.stage else { throw Self.error(state.stage, "start the bus") }
      state.stage = .running
    }
  }

  /// Quality 0: now or never.
  func send(_ message: BusMessage) throws(BusError) {
    let properties = try PropertyList(of: message)
    let status = try state.withLock { state throws(BusError) in
      guard case .running = state.stage else { throw Self.error(state.stage, "publish to \(message.topic)") }
      return state.isUp ? handle.publish(message, properties).status : MOSQ_ERR_NO_CONN.rawValue
    }
    guard status == MOSQ_ERR_SUCCESS.rawValue else { throw Self.error(publishing: message, status) }
    wakeUp.signal()
  }

  /// Quality 1 and above: into the outbox, and on to the library if the connection stands.
  func enqueue(_ message: BusMessage, _ waiter: Waiter) throws(BusError) {
    try add(message, waiter) { stage in if case .running = stage { true } else { false } }
  }

  private func add(
    _ message: BusMessage, _ waiter: Waiter, while isOpen: (State.Stage) -> Bool
  ) throws(BusError) {
    let entry = Outbox<Waiter>.Entry(
      message: message, waiter: waiter, deadline: message.expiry.map { .now + $0 })
    let verdicts = try state.withLock { state throws(BusError) in
      guard isOpen(state.stage) else { throw Self.error(state.stage, "publish to \(message.topic)") }
      guard state.outbox.add(entry) else {
        throw BusError(
          .queueFull,
          "publish to \(message.topic): \(state.outbox.count) messages with \(state.outbox.bytes) bytes already wait "
            + "for the broker")
      }
      return state.isUp ? handOver(&state) : []
    }
    for (waiter, result) in verdicts { waiter.keep(result) }
    wakeUp.signal()
  }

  func subscribe(to filters: [TopicFilter], _ waiter: Granted) throws(BusError) {
    let request = Subscriptions<Granted>.Request(filters: filters, waiter: waiter)
    let status = try state.withLock { state throws(BusError) in
      guard case .running = state.stage else {
        throw Self.error(state.stage, "subscribe to \(filters.map(\.description).joined(separator: ", "))")
      }
      guard state.isUp else {
        state.subscriptions.postpone(request)
        return MOSQ_ERR_SUCCESS.rawValue
      }
      let (status, id) = handle.subscribe(to: filters)
      switch status {
      case MOSQ_ERR_SUCCESS.rawValue: state.subscriptions.sent(request, id: id)
      // Lost this moment: on the next connection, then.
      case MOSQ_ERR_NO_CONN.rawValue: state.subscriptions.postpone(request)
      default: return status
      }
      return MOSQ_ERR_SUCCESS.rawValue
    }
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw BusError(
        .failed,
        "subscribe to \(filters.map(\.description).joined(separator: ", ")): \(Words.library(status))")
    }
    wakeUp.signal()
  }

  var backlog: Int { state.withLock { $0.outbox.count } }

  /// Asks the thread to end; the first call decides how.
  func requestClose(farewell: BusMessage?, limit: Duration, isCut: Bool = false) {
    var waiter: Waiter?
    if var farewell {
      // What is not acknowledged cannot be waited for.
      if farewell.quality == .atMostOnce { farewell.quality = .atLeastOnce }
      let promise = Waiter()
      do {
        try enqueue(farewell, promise)
        waiter = promise
      } catch {
        // Closed already, or no room: then there is nothing to wait for, and the will speaks for us.
      }
    }
    let closing = Closing(farewell: waiter, deadline: .now + limit, isCut: isCut)
    let isIdle = state.withLock { state in
      switch state.stage {
      case .initial:
        state.stage = .over(BusError(.closed, "the bus is closed"))
        return true
      case .running:
        state.stage = .closing(closing)
      case .closing, .over:
        break
      }
      return false
    }
    if isIdle { ended.keep(()) }
    wakeUp.signal()
  }

  // MARK: The thread's side

  /// Nil while nobody wants to close.
  var closing: Closing? {
    state.withLock { if case .closing(let closing) = $0.stage { closing } else { nil } }
  }

  /// Asks for all subscriptions on a new connection.
  /// - Returns: the library's status, or nil if there is nothing to subscribe to.
  func renewSubscriptions() -> Int32? {
    state.withLock { state in
      let filters = state.subscriptions.renewal
      guard !filters.isEmpty else { return nil }
      let (status, id) = handle.subscribe(to: filters)
      if status == MOSQ_ERR_SUCCESS.rawValue { state.subscriptions.sentRenewal(filters, id: id) }
      return status
    }
  }

  /// The broker has answered a subscription; tells those who wait for it.
  func subscribed(id: Int32, codes: [Int32]) -> Subscriptions<Granted>.Answer? {
    let answer = state.withLock { $0.subscriptions.answered(id: id, codes: codes) }
    for (waiter, refused) in answer?.settled ?? [] {
      guard let refused else {
        waiter.keep(.success(true))
        continue
      }
      waiter.keep(
        .failure(BusError(.refused, "subscribe to \(refused.filter): \(Words.reason(refused.code))")))
    }
    return answer
  }

  /// The connection is of use: what waits goes out, and from now on messages go straight to the library.
  func goUp() {
    let verdicts = state.withLock { state in
      state.isUp = true
      // Asked for between the renewal and now: nobody else would send it before the next connection.
      for request in state.subscriptions.takePostponed() {
        let (status, id) = handle.subscribe(to: request.filters)
        if status == MOSQ_ERR_SUCCESS.rawValue {
          state.subscriptions.sent(request, id: id)
        } else {
          state.subscriptions.postpone(request)
        }
      }
      return handOver(&state)
    }
    for (waiter, result) in verdicts { waiter.keep(result) }
  }

  func connectionLost() {
    state.withLock { state in
      state.isUp = false
      state.subscriptions.connectionLost()
    }
  }

  func acknowledged(id: Int32, reason: Int32) {
    guard let entry = state.withLock({ $0.outbox.acknowledged(id) }) else { return }
    switch reason {
    case Int32(MQTT_RC_NO_MATCHING_SUBSCRIBERS.rawValue):
      entry.waiter.keep(.success(.noSubscriber))
    case 0x80...:
      entry.waiter.keep(
        .failure(
          BusError(.refused, "publish to \(entry.message.topic): the broker refuses it: \(Words.reason(reason))")))
    default:
      entry.waiter.keep(.success(.accepted))
    }
  }

  /// Nothing is possible any more; everybody who waits is told why.
  func end(_ why: BusError) {
    let (waiters, requests) = state.withLock { state in
      state.stage = .over(why)
      state.isUp = false
      return (state.outbox.removeAll(), state.subscriptions.removeWaiters())
    }
    for waiter in waiters { waiter.keep(.failure(why)) }
    for request in requests { request.keep(.failure(why)) }
    ended.keep(())
  }

  /// Hands everything that waits to the library. The lock is held meanwhile, so that the order is kept and no
  /// acknowledgement can come before its message is entered; the library only copies and queues.
  private func handOver(_ state: inout State) -> [(Waiter, Result<Delivery, BusError>)] {
    var verdicts: [(Waiter, Result<Delivery, BusError>)] = []
    while let entry = state.outbox.next() {
      do throws(BusError) {
        if let former = try handOver(entry, &state) {
          let why = "publish to \(former.message.topic): the broker never acknowledged it"
          verdicts.append((former.waiter, .failure(BusError(.failed, why))))
        }
      } catch {
        state.outbox.dropped(entry)
        verdicts.append((entry.waiter, .failure(error)))
      }
    }
    return verdicts
  }

  private func handOver(_ entry: Outbox<Waiter>.Entry, _ state: inout State) throws(BusError) -> Outbox<Waiter>.Entry? {
    var message = entry.message
    if let deadline = entry.deadline {
      let left = deadline - .now
      guard left > .zero else {
        throw BusError(.failed, "publish to \(message.topic): expired before the broker could be reached")
      }
      message.expiry = left
    }
    let (status, id) = handle.publish(message, try PropertyList(of: message))
    guard status == MOSQ_ERR_SUCCESS.rawValue || status == MOSQ_ERR_NO_CONN.rawValue else {
      throw Self.error(publishing: message, status)
    }
    return state.outbox.sent(entry, id: id)
  }

  private static func error(publishing message: BusMessage, _ status: Int32) -> BusError {
    switch status {
    case MOSQ_ERR_NO_CONN.rawValue:
      BusError(
        .failed, "publish to \(message.topic): not connected, and quality atMostOnce is not kept for later")
    case MOSQ_ERR_OVERSIZE_PACKET.rawValue:
      BusError(.refused, "publish to \(message.topic): \(message.payload.count) bytes are more than the broker takes")
    default:
      BusError(.invalid, "publish to \(message.topic): \(Words.library(status))")
    }
  }

  private static func error(_ stage: State.Stage, _ what: String) -> BusError {
    switch stage {
    case .initial: BusError(.closed, "\(what): the bus is not started")
    case .running: BusError(.failed, "\(what): the bus is started already")
    case .closing: BusError(.closed, "\(what): the bus is closed")
    case .over(let why): BusError(.closed, "\(what): \(why.description)")
    }
  }
}
