/// Clients: their connections, and what they ask for.
extension BrokerState {
  mutating func addClient(_ session: BusSession, outboxLimit: Int) -> Int {
    clients.append(Client(session: session, outboxLimit: outboxLimit, wanted: session.subscriptions))
    return clients.count - 1
  }

  mutating func start(_ number: Int, _ handler: @escaping Handler) throws(BusError) {
    guard case .initial = clients[number].stage else {
      throw error(number, "start the bus") ?? BusError(.failed, "start the bus: it is started already")
    }
    clients[number].handler = handler
    clients[number].stage = .away(isCut: false)
    connect(number)
  }

  mutating func publish(_ message: BusMessage, from number: Int, _ waiter: Waiter) throws(BusError) {
    let what = "publish to \(message.topic)"
    if let error = error(number, what) { throw error }
    guard TopicFilter.isTopic(message.topic), message.responseTopic.map(TopicFilter.isTopic) ?? true else {
      throw BusError(.invalid, "\(what): not a topic that MQTT allows here")
    }
    if clients[number].isConnected {
      settled.append((waiter, .success(route(message))))
      return
    }
    guard message.quality != .atMostOnce else {
      throw BusError(.failed, "\(what): not connected, and quality atMostOnce is not kept for later")
    }
    guard clients[number].outbox.count < clients[number].outboxLimit else {
      throw BusError(.queueFull, "\(what): \(clients[number].outbox.count) messages already wait for the broker")
    }
    clients[number].outbox.append((message, waiter))
  }

  func backlog(of number: Int) -> Int { clients[number].outbox.count }

  mutating func subscribe(_ number: Int, to filters: [TopicFilter], _ waiter: Waiter) throws(BusError) {
    let names = filters.map(\.description).joined(separator: ", ")
    if let error = error(number, "subscribe to \(names)") { throw error }
    guard filters.allSatisfy(\.isValid) else {
      throw BusError(.invalid, "subscribe to \(names): not a filter that MQTT allows")
    }
    for filter in filters where !clients[number].wanted.contains(filter) { clients[number].wanted.append(filter) }
    guard clients[number].isConnected else {
      clients[number].requests.append(waiter)
      return
    }
    subscribe(clients[number].session.clientID, to: filters)
    settled.append((waiter, .success(.accepted)))
  }

  mutating func close(_ number: Int, farewell: BusMessage?) {
    if clients[number].isConnected {
      if let farewell { _ = route(farewell) }
      detach(number)
    }
    finish(number, BusError(.closed, "the bus is closed"))
  }

  mutating func cut(_ number: Int) {
    guard clients[number].isConnected else { return }
    lose(number)
    clients[number].stage = .away(isCut: true)
    jobs.append(.event(client: number, .disconnected(reason: "the connection was cut", retryIn: .zero)))
  }

  mutating func reconnect(_ number: Int) {
    guard case .away = clients[number].stage else { return }
    clients[number].stage = .away(isCut: false)
    connect(number)
  }

  mutating func crash(_ number: Int) {
    if clients[number].isConnected { lose(number) }
    finish(number, BusError(.closed, "the program has crashed"))
    clients[number].handler = nil
  }

  /// Why nothing is possible; nil if something is.
  private func error(_ number: Int, _ what: String) -> BusError? {
    switch clients[number].stage {
    case .initial: BusError(.closed, "\(what): the bus is not started")
    case .over(let why): BusError(.closed, "\(what): \(why.description)")
    case .away, .connected: nil
    }
  }

  // MARK: Connections

  private mutating func connect(_ number: Int) {
    let session = clients[number].session
    let id = session.clientID
    guard isUp else { return report(number, "connect: connection refused") }
    if let reason = refusals[id] { return report(number, "the broker refuses the connection: \(reason)") }
    if let other = sessions[id]?.client?.number {
      detach(other)
      finish(other, BusError(.closed, "another program has taken over the session"))
      jobs.append(.event(client: other, .takenOver))
    }
    let isPresent = session.expiry > .zero && sessions[id] != nil
    if !isPresent {
      ranks += 1
      sessions[id] = Session(rank: ranks)
    }
    connections += 1
    sessions[id]?.client = (number, connections)
    sessions[id]?.end = nil
    wills.removeAll { $0.clientID == id }
    clients[number].stage = .connected
    for message in sessions[id]?.unacknowledged.reversed() ?? [] { sessions[id]?.queue.prepend(message) }
    sessions[id]?.unacknowledged = []
    for _ in 0..<(sessions[id]?.queue.count ?? 0) { jobs.append(.message(clientID: id)) }
    subscribe(id, to: clients[number].wanted)
    jobs.append(.event(client: number, .connected(sessionPresent: isPresent)))
    for waiter in clients[number].requests { settled.append((waiter, .success(.accepted))) }
    clients[number].requests = []
    let outbox = clients[number].outbox
    clients[number].outbox = []
    for (message, waiter) in outbox { settled.append((waiter, .success(route(message)))) }
  }

  private mutating func report(_ number: Int, _ reason: String) {
    jobs.append(.event(client: number, .disconnected(reason: reason, retryIn: .zero)))
  }

  /// The client is no longer connected; its session is kept as agreed.
  private mutating func detach(_ number: Int) {
    let session = clients[number].session
    let id = session.clientID
    guard sessions[id]?.client?.number == number else { return }
    sessions[id]?.client = nil
    guard session.expiry > .zero else {
      sessions[id] = nil
      return
    }
    sessions[id]?.end = now + session.expiry
    // What was delayed was never acknowledged.
    let held = sessions[id]?.held.map(\.message) ?? []
    sessions[id]?.held = []
    sessions[id]?.unacknowledged += held.filter { $0.message.quality != .atMostOnce }
  }

  /// Loses the connection without a farewell.
  private mutating func lose(_ number: Int) {
    detach(number)
    let session = clients[number].session
    guard let will = session.will else { return }
    // A session that ends takes the delay with it.
    let delay = min(session.willDelay, max(session.expiry, .zero))
    if delay > .zero {
      wills.append(Will(clientID: session.clientID, message: will, due: now + delay))
    } else {
      _ = route(will)
    }
  }

  private mutating func finish(_ number: Int, _ why: BusError) {
    if case .over = clients[number].stage { return }
    clients[number].stage = .over(why)
    for (_, waiter) in clients[number].outbox { settled.append((waiter, .failure(why))) }
    for waiter in clients[number].requests { settled.append((waiter, .failure(why))) }
    clients[number].outbox = []
    clients[number].requests = []
  }

  mutating func stop(keepingState: Bool) {
    guard isUp else { return }
    isUp = false
    for number in clients.indices where clients[number].isConnected {
      detach(number)
      clients[number].stage = .away(isCut: false)
      report(number, "the broker has closed the connection")
    }
    // A broker that is gone sends no wills.
    wills = []
    if !keepingState {
      sessions = [:]
      retained = [:]
    }
  }

  mutating func start() {
    guard !isUp else { return }
    isUp = true
    for number in clients.indices {
      if case .away(isCut: false) = clients[number].stage { connect(number) }
    }
  }

  mutating func admit(_ clientID: String) {
    refusals[clientID] = nil
    for number in clients.indices where clients[number].session.clientID == clientID {
      if case .away(isCut: false) = clients[number].stage { connect(number) }
    }
  }

  mutating func advance(by duration: Duration) {
    now += duration
    let due = wills.filter { $0.due <= now }
    wills.removeAll { $0.due <= now }
    for will in due { _ = route(will.message) }
    for (id, session) in sessions {
      if let end = session.end, end <= now { sessions[id] = nil }
    }
  }
}
