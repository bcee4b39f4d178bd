import CMosquitto
import Glibc
import MessageBus

/// The bus's thread: connects, moves bytes, delivers events, connects again. Lives on that thread alone.
///
/// libmosquitto's own thread (`mosquitto_loop_start`) is not used because it ends without a word when the broker
/// refuses it, and its `mosquitto_loop` not because `select` knows no descriptor above 1023.
final class Loop {
  /// How one connection, or the attempt, ended.
  enum Loss {
    /// The broker hung up, without a word.
    case hungUp
    /// The broker does not want us, in words.
    case refused(String)
    case takenOver
    case failed(String)
    /// Closed on request.
    case closed
  }

  private let client: Client
  private let handler: @Sendable (BusEvent) -> Void
  private let broker: BrokerAddress
  private let tuning: BusTuning
  private let isSessionKept: Bool
  private var backoff: Backoff
  private var evidence = TakeoverEvidence()
  private var attempts = 0

  // Of the present connection:
  private var loss: Loss?
  private var sessionPresent = false
  /// When the broker accepted us.
  private var since: ContinuousClock.Instant?
  private var peer: Peer?
  /// The subscriptions are granted, but messages do not flow yet.
  private var isGranted = false
  /// Complaints of the library: its status alone says too little about TLS.
  private var complaints: [String] = []

  init(
    client: Client, broker: BrokerAddress, tuning: BusTuning, isSessionKept: Bool,
    handler: @escaping @Sendable (BusEvent) -> Void
  ) {
    self.client = client
    self.broker = broker
    self.tuning = tuning
    self.isSessionKept = isSessionKept
    self.handler = handler
    backoff = Backoff(first: tuning.firstPause, longest: tuning.longestPause)
  }

  /// Returns when the bus is closed, or taken over.
  func run() {
    client.handle.direct(to: self)
    while true {
      let loss = connection()
      client.connectionLost()
      switch loss {
      case .closed:
        return client.end(BusError(.closed, "the bus is closed"))
      case .takenOver:
        client.end(BusError(.closed, "another program has taken over the session"))
        return handler(.takenOver)
      case .hungUp:
        if let since, let peer {
          evidence.closedByBroker(after: .now - since, brokerIsThere: peer.isThere())
        }
        if evidence.isConclusive {
          client.end(BusError(.closed, "another program has taken over the session"))
          return handler(.takenOver)
        }
        if !pause("the broker has closed the connection", backoff.next(jitter: .random(in: 0...1))) { return }
      case .refused(let why):
        if !pause(why, tuning.refusedPause) { return }
      case .failed(let why):
        if since == nil { evidence.brokerRestarted() }
        if !pause(why, backoff.next(jitter: .random(in: 0...1))) { return }
      }
    }
  }

  /// Reports the loss and waits.
  /// - Returns: false if the bus is to end, and has ended.
  private func pause(_ reason: String, _ duration: Duration) -> Bool {
    let end = ContinuousClock.now + duration
    if client.closing == nil { handler(.disconnected(reason: reason, retryIn: duration)) }
    while true {
      let now = ContinuousClock.now
      if let closing = client.closing, closing.isDue(now) || closing.isCut {
        client.end(BusError(.closed, "the bus is closed"))
        return false
      }
      guard now < end else { return true }
      _ = wait(for: -1, events: 0, atMost: end - now)
    }
  }

  // MARK: One connection

  private func connection() -> Loss {
    loss = nil
    since = nil
    peer = nil
    isGranted = false
    complaints = []
    attempts += 1
    if let failure = connect() { return failure }
    let limit = ContinuousClock.now + tuning.connectLimit
    while true {
      if let closing = client.closing, closing.isDue(.now) {
        if !closing.isCut { sayGoodbye() } else { client.handle.cut() }
        return .closed
      }
      let status = turn()
      if let loss {
        // A connection that is of no use must not look like one.
        if client.handle.socket >= 0 { sayGoodbye() }
        return loss
      }
      if status != MOSQ_ERR_SUCCESS.rawValue || client.handle.socket < 0 {
        return failed(status, systemError: errno)
      }
      if isGranted {
        isGranted = false
        client.goUp()
      }
      if let since {
        if .now - since >= tuning.longestPause { backoff.reset() }
      } else if .now >= limit {
        return .failed("no answer from \(broker.host):\(broker.port) within \(tuning.connectLimit)")
      }
    }
  }

  /// Begins to connect.
  private func connect() -> Loss? {
    switch Resolver.families(of: broker.host) {
    case .failure(let error):
      return .failed(error.description)
    case .success(let families):
      // An asynchronous connect tries one address only: with two families take turns, or a broker that listens on
      // 127.0.0.1 would never be found under the name "localhost".
      let local = families.count > 1 ? families[(attempts - 1) % families.count].anyAddress : nil
      let status = client.handle.connect(from: local)
      guard status <= MOSQ_ERR_SUCCESS.rawValue else {
        return .failed("connect to \(broker.host):\(broker.port): \(Words.library(status, systemError: errno))")
      }
      return nil
    }
  }

  /// Waits for something to do, and does it.
  private func turn() -> Int32 {
    let handle = client.handle
    // While TLS shakes hands the library does not say what it waits for; it is simply tried often.
    let isShakingHands = broker.tls != nil && since == nil
    let events = Int16(POLLIN) | (handle.wantsToWrite && !isShakingHands ? Int16(POLLOUT) : 0)
    let ready = wait(for: handle.socket, events: events, atMost: isShakingHands ? .milliseconds(20) : .seconds(1))
    var status = MOSQ_ERR_SUCCESS.rawValue
    if ready != 0 || isShakingHands { status = handle.read() }
    if isShakingHands, since == nil, loss == nil, status == MOSQ_ERR_SUCCESS.rawValue,
      ready & Int16(POLLERR | POLLHUP) != 0
    {
      // The library takes any failure of the network for a handshake that is not ready yet, and its attempts to write
      // have used up the system's word for it.
      loss = .failed("connect to \(broker.host):\(broker.port): connection refused, lost or unreachable")
      return status
    }
    // Right away, not after another poll: these are the acknowledgements of what was just read.
    if status == MOSQ_ERR_SUCCESS.rawValue, handle.socket >= 0, handle.wantsToWrite { status = handle.write() }
    if status == MOSQ_ERR_SUCCESS.rawValue, handle.socket >= 0 { status = handle.keepUp() }
    return status
  }

  /// - Returns: what the socket has, in terms of `poll`.
  private func wait(for socket: Int32, events: Int16, atMost limit: Duration) -> Int16 {
    var descriptors = [
      pollfd(fd: client.wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: socket, events: events, revents: 0),
    ]
    let (seconds, attoseconds) = limit.components
    // Rounded up: a wait of less than a millisecond must not become a busy loop.
    let milliseconds = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    guard unsafe poll(&descriptors, 2, milliseconds) > 0 else { return 0 }
    if descriptors[0].revents != 0 { client.wakeUp.clear() }
    return descriptors[1].revents
  }

  /// Sends what is queued and a DISCONNECT behind it, for a second at most.
  private func sayGoodbye() {
    guard since != nil, client.handle.disconnect() == MOSQ_ERR_SUCCESS.rawValue else { return }
    let limit = ContinuousClock.now + .seconds(1)
    while client.handle.socket >= 0, .now < limit {
      guard client.handle.write() == MOSQ_ERR_SUCCESS.rawValue, client.handle.socket >= 0 else { return }
      _ = wait(for: client.handle.socket, events: Int16(POLLOUT), atMost: .milliseconds(100))
    }
  }

  // MARK: From the callbacks

  func accepted(reason: Int32, sessionPresent: Bool) {
    guard reason == 0 else {
      loss = .refused("the broker refuses the connection: \(Words.reason(reason))")
      return
    }
    since = .now
    peer = Peer(of: client.handle.socket)
    self.sessionPresent = sessionPresent
    if !sessionPresent, isSessionKept { evidence.brokerRestarted() }
    switch client.renewSubscriptions() {
    case nil: ready()
    case MOSQ_ERR_SUCCESS.rawValue?: break
    case let status?: loss = .failed("subscribe: \(Words.library(status))")
    }
  }

  func subscribed(id: Int32, codes: [Int32]) {
    guard let answer = client.subscribed(id: id, codes: codes), answer.isRenewal else { return }
    if let (filter, code) = answer.refused.first {
      loss = .refused("the broker refuses the subscription to \(filter): \(Words.reason(code))")
    } else {
      ready()
    }
  }

  private func ready() {
    isGranted = true
    handler(.connected(sessionPresent: sessionPresent))
  }

  func acknowledged(id: Int32, reason: Int32) {
    client.acknowledged(id: id, reason: reason)
  }

  /// The message is acknowledged to the broker when this has returned.
  func arrived(_ message: BusMessage) {
    handler(.message(message))
  }

  /// Below 0x80 `status` is the library's, from there on the broker's reason.
  func disconnected(status: Int32, systemError: Int32) {
    // A refusal says more than the disconnection that follows it.
    guard loss == nil else { return }
    switch status {
    case MOSQ_ERR_SUCCESS.rawValue:
      // Ours is not reported here: `sayGoodbye` is the end of it.
      loss = .failed("the broker has ended the connection")
    case MOSQ_ERR_CONN_LOST.rawValue where since != nil:
      loss = .hungUp
    case Int32(MQTT_RC_SESSION_TAKEN_OVER.rawValue):
      loss = .takenOver
    case 0x80...:
      loss = .failed("the broker has ended the connection: \(Words.reason(status))")
    default:
      loss = failed(status, systemError: systemError)
    }
  }

  private func failed(_ status: Int32, systemError: Int32) -> Loss {
    let place = since == nil ? "connect to \(broker.host):\(broker.port): " : ""
    let details = complaints.isEmpty ? "" : " (\(complaints.joined(separator: "; ")))"
    return .failed(place + Words.library(status, systemError: systemError) + details)
  }

  func complained(_ text: String) {
    // The first ones name the cause.
    if complaints.count < 3, !complaints.contains(text) { complaints.append(text) }
  }
}
