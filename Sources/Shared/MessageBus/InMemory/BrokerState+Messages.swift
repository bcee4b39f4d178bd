/// Messages: their way into the sessions and on to the handlers.
extension BrokerState {
  /// Hands a message to all sessions that want it, and keeps it if it is retained.
  mutating func route(_ message: BusMessage) -> Delivery {
    let end = message.expiry.map { now + $0 }
    if message.isRetained {
      retained[message.topic] = message.payload.isEmpty ? nil : Stored(message: message, end: end)
    }
    var copy = message
    copy.isRetained = false
    if copy.quality == .exactlyOnce { copy.quality = .atLeastOnce }
    let wanting = sessions.filter { $0.value.subscriptions.contains { $0.matches(message.topic) } }
    for (id, _) in wanting.sorted(by: { $0.value.rank < $1.value.rank }) {
      enqueue(Stored(message: copy, end: end), for: id)
    }
    return wanting.isEmpty && message.quality != .atMostOnce ? .noSubscriber : .accepted
  }

  private mutating func enqueue(_ message: Stored, for id: String) {
    guard let session = sessions[id] else { return }
    if session.client == nil {
      guard message.message.quality != .atMostOnce, session.queue.count < queueLimit else { return }
    }
    sessions[id]?.queue.append(message)
    if session.client != nil { jobs.append(.message(clientID: id)) }
  }

  mutating func subscribe(_ id: String, to filters: [TopicFilter]) {
    for filter in filters {
      if sessions[id]?.subscriptions.contains(filter) == false { sessions[id]?.subscriptions.append(filter) }
      for (topic, stored) in retained.sorted(by: { $0.key < $1.key }) where filter.matches(topic) {
        enqueue(stored, for: id)
      }
    }
  }

  mutating func flush() {
    for id in sessions.keys.sorted() { release(id) { _ in true } }
  }

  /// Puts delayed messages back to the head of the queue.
  private mutating func release(_ id: String, _ isDue: (Int) -> Bool) {
    guard let session = sessions[id], session.client != nil else { return }
    sessions[id]?.held.removeAll { isDue($0.deliveries) }
    for entry in session.held.reversed() where isDue(entry.deliveries) {
      sessions[id]?.queue.prepend(entry.message)
      jobs.prepend(.message(clientID: id))
    }
  }

  // MARK: Deliveries

  /// What to call next; `finish` must follow.
  mutating func nextCall() -> Call? {
    while let job = jobs.popFirst() {
      switch job {
      case .event(let number, let event):
        guard let handler = clients[number].handler else { continue }
        return Call(handler: handler, event: event, times: 1, delivery: nil)
      case .message(let id):
        if let call = nextMessage(id) { return call }
      }
    }
    return nil
  }

  private mutating func nextMessage(_ id: String) -> Call? {
    guard let (number, connection) = sessions[id]?.client, let handler = clients[number].handler,
      var stored = sessions[id]?.queue.popFirst()
    else { return nil }
    if let end = stored.end {
      guard end > now else { return nil }
      stored.message.expiry = end - now
    }
    var times = 1
    if !stored.isExempt {
      stored.isExempt = true
      switch script.popFirst() ?? plan(stored.message, id) {
      case .deliver: break
      case .duplicate: times = 2
      case .lose: return nil
      case .loseOnWire:
        if stored.message.quality != .atMostOnce { sessions[id]?.unacknowledged.append(stored) }
        return nil
      case .delay(let deliveries):
        sessions[id]?.held.append((deliveries, stored))
        return nil
      }
    }
    return Call(
      handler: handler, event: .message(stored.message), times: times, delivery: (id, connection, stored))
  }

  /// The handler has returned: the message is acknowledged, if its client is still there to do it.
  mutating func finish(_ call: Call) {
    guard let (id, connection, message) = call.delivery else { return }
    guard sessions[id]?.client?.connection == connection else {
      if message.message.quality != .atMostOnce { redeliver(message, to: id) }
      return
    }
    let held = sessions[id]?.held.map { (deliveries: $0.deliveries - 1, message: $0.message) } ?? []
    sessions[id]?.held = held
    release(id) { $0 <= 0 }
  }

  private mutating func redeliver(_ message: Stored, to id: String) {
    guard let session = sessions[id] else { return }
    sessions[id]?.queue.prepend(message)
    if session.client != nil { jobs.append(.message(clientID: id)) }
  }

  mutating func takeSettled() -> [(Waiter, Result<Delivery, BusError>)] {
    defer { settled = [] }
    return settled
  }
}
