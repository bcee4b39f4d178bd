import ClusterModel
import MigfraProtocol
import VirtualTime

/// What the broker does.
extension World {
  /// Gives a message to the broker; returns whether anybody listens, or did.
  @discardableResult
  mutating func publish(_ content: Message.Content) -> Bool {
    let message = bus.number(Message(content))
    if message.isRetained {
      if case .processState(nil, _, _) = content {
        bus.retained[message.topic] = nil
      } else {
        bus.retained[message.topic] = message
      }
    }
    let receivers = bus.receivers(of: message).filter { bus.sessions[$0] != nil }
    for client in receivers { enqueue(message, for: client) }
    return !receivers.isEmpty
  }

  private mutating func enqueue(_ message: Message, for client: Client) {
    let isConnected = bus.sessions[client]?.isConnected == true
    if message.mayBeLost, !isConnected || generator.happens(isLosing ? 70 : 2) { return }
    let topic = message.topic
    bus.sessions[client]?.queues[topic, default: []].append(message)
    if isConnected { schedule(topic, for: client) }
  }

  private mutating func schedule(_ topic: String, for client: Client) {
    let longest = max(30, Int(longestDelay.inSeconds * 1000))
    let due = max(
      now + .milliseconds(Int.random(in: 1...longest, using: &generator)), bus.sessions[client]?.dues[topic] ?? .zero)
    bus.sessions[client]?.dues[topic] = due
    events.add(.handOver(client, topic), at: due)
  }

  /// The next message of the topic reaches the client, if it is there.
  mutating func handOver(_ topic: String, to client: Client) {
    guard let session = bus.sessions[client], session.isConnected, let message = session.queues[topic]?.first else {
      return
    }
    if case .echo = message.content, let oldest = session.oldest, oldest < message.number {
      // It comes after everything that was there before it.
      return events.add(.handOver(client, topic), at: now + .milliseconds(20))
    }
    if session.queues[topic]?.count == 1 {
      bus.sessions[client]?.queues[topic] = nil
    } else {
      bus.sessions[client]?.queues[topic]?.removeFirst()
    }
    remember(message, of: client)
    receive(message, client)
    if isDoubling, !message.mayBeLost { receive(message, client) }
  }

  private mutating func remember(_ message: Message, of client: Client) {
    guard !message.mayBeLost, !message.wasKept, client != .scheduler else { return }
    bus.sessions[client]?.lately.append(message)
    if let count = bus.sessions[client]?.lately.count, count > 3 { bus.sessions[client]?.lately.removeFirst() }
  }

  mutating func connect(_ client: Client) {
    guard bus.isUp, bus.sessions[client]?.isConnected != true else { return }
    bus.open(client)
    // What was handed over and not acknowledged comes again, before the rest of its topic.
    let again = generator.happens(50) ? bus.sessions[client]?.lately ?? [] : []
    bus.sessions[client]?.lately = []
    for message in again.reversed() {
      bus.sessions[client]?.queues[message.topic, default: []].insert(message, at: 0)
    }
    let queues = (bus.sessions[client]?.queues ?? [:]).sorted { $0.key < $1.key }
    for (topic, messages) in queues { for _ in messages { schedule(topic, for: client) } }
    for var message in bus.kept(for: client) {
      message.wasKept = true
      message = bus.number(message)
      bus.sessions[client]?.queues[message.topic, default: []].append(message)
      schedule(message.topic, for: client)
    }
    wills[client] = nil
    connected(client)
  }

  /// The connection is lost; what the client had wanted to be said then is said after `patience`.
  mutating func disconnect(_ client: Client, sayingAfter patience: Duration) {
    guard bus.sessions[client]?.isConnected == true else { return }
    bus.sessions[client]?.isConnected = false
    let will: Message.Content
    switch client {
    case .coordinator:
      will = .coordinatorState(CoordinatorReport(isOnline: false, epoch: epoch(of: client), journal: "c"))
    case .worker(let host):
      will = .hostState(HostReport(host: host, presence: .offline, epoch: epoch(of: client)))
    case .agent, .scheduler: return
    }
    willCount += 1
    wills[client] = willCount
    events.add(.will(client, willCount, will), at: now + patience)
  }
}
