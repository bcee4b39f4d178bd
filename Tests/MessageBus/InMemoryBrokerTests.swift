import MessageBus
import Synchronization
import TestSupport
import Testing

/// What only the `InMemoryBroker` can: faults to order, time by hand. The rest is the contract of `MessageBus`, tested
/// together with the other implementation's.
@Suite("InMemoryBroker") struct InMemoryBrokerTests {
  private let broker = InMemoryBroker()

  private func client(
    _ id: String, _ subscriptions: [TopicFilter] = [], will: BusMessage? = nil, willDelay: Duration = .zero,
    expiry: Duration = .seconds(3600)
  ) throws -> (bus: InMemoryBus, log: EventLog) {
    let log = EventLog()
    let bus = broker.bus(
      BusSession(clientID: id, subscriptions: subscriptions, will: will, willDelay: willDelay, expiry: expiry))
    try bus.start(log.handler)
    return (bus, log)
  }

  private func message(_ text: String, topic: String = "task", expiry: Duration? = nil) -> BusMessage {
    BusMessage(topic: topic, payload: Array(text.utf8), expiry: expiry)
  }

  @Test("everything has been delivered when publish returns")
  func synchronous() async throws {
    let (bus, log) = try client("both", ["task"])
    try await bus.publish(message("one"))
    #expect(log.texts == ["one"])
  }

  @Test("one message goes to the clients in the order of their sessions")
  func clientOrder() async throws {
    let order = Mutex<[String]>([])
    for id in ["c", "a", "b"] {
      try broker.bus(BusSession(clientID: id, subscriptions: ["task"])).start { event in
        if case .message = event { order.withLock { $0.append(id) } }
      }
    }
    let (bus, _) = try client("sender")
    try await bus.publish(message("one"))
    #expect(order.withLock { $0 } == ["c", "a", "b"])
  }

  @Test("what is lost is lost")
  func lose() async throws {
    let (worker, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    broker.script([.deliver, .lose])
    for text in ["one", "two", "three"] { try await sender.publish(message(text)) }
    worker.cut()
    worker.reconnect()
    #expect(log.texts == ["one", "three"])
  }

  @Test("what is lost on the wire comes with the next connection")
  func loseOnWire() async throws {
    let (worker, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    broker.script([.loseOnWire, .deliver])
    for text in ["one", "two"] { try await sender.publish(message(text)) }
    #expect(log.texts == ["two"])
    worker.cut()
    worker.reconnect()
    #expect(log.texts == ["two", "one"])
    #expect(log.connections == [false, true])
  }

  @Test("duplicates arrive twice")
  func duplicate() async throws {
    let (_, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    broker.script([.duplicate])
    for text in ["one", "two"] { try await sender.publish(message(text)) }
    #expect(log.texts == ["one", "one", "two"])
  }

  @Test("delayed messages are overtaken by so many others")
  func delay() async throws {
    let (_, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    broker.script([.delay(deliveries: 2)])
    for text in ["one", "two", "three", "four"] { try await sender.publish(message(text)) }
    #expect(log.texts == ["two", "three", "one", "four"])
  }

  @Test("flush delivers what nothing overtakes any more")
  func flush() async throws {
    let (_, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    broker.script([.delay(deliveries: 5), .delay(deliveries: 5)])
    for text in ["one", "two", "three"] { try await sender.publish(message(text)) }
    #expect(log.texts == ["three"])
    broker.flush()
    #expect(log.texts == ["three", "one", "two"])
  }

  @Test("a plan decides by message and client")
  func plan() async throws {
    let (_, first) = try client("first", ["task"])
    let (_, second) = try client("second", ["task"])
    broker.setFaults { message, id in id == "first" && message.payload == Array("two".utf8) ? .lose : .deliver }
    let (sender, _) = try client("sender")
    for text in ["one", "two"] { try await sender.publish(message(text)) }
    #expect(first.texts == ["one"])
    #expect(second.texts == ["one", "two"])
  }

  @Test("a message whose handler died comes again in the next life")
  func crashInHandler() async throws {
    let worker = broker.bus(BusSession(clientID: "worker", subscriptions: ["task"]))
    let log = EventLog()
    try worker.start { event in
      log.handler(event)
      if case .message = event { worker.crash() }
    }
    let (sender, _) = try client("sender")
    for text in ["one", "two"] { try await sender.publish(message(text)) }
    #expect(log.texts == ["one"])
    #expect(broker.queued(for: "worker") == 2)
    let (_, next) = try client("worker", ["task"])
    #expect(next.texts == ["one", "two"])
    #expect(next.connections == [true])
    let error = await #expect(throws: BusError.self) { try await worker.publish(message("ghost")) }
    #expect(error?.code == .closed)
  }

  @Test("what the session has kept arrives before .connected")
  func orderOfEvents() async throws {
    let (worker, _) = try client("worker", ["task", "state"])
    let (sender, _) = try client("sender")
    try await sender.publish(
      BusMessage(topic: "state", payload: Array("retained".utf8), isRetained: true))
    worker.crash()
    try await sender.publish(message("kept"))
    let (_, log) = try client("worker", ["task", "state"])
    #expect(log.texts == ["kept", "retained"])
    #expect(log.events.last == .connected(sessionPresent: true))
  }

  @Test("a will waits for its delay; a connection in time withdraws it")
  func willDelay() throws {
    let (_, watcher) = try client("watcher", ["state"])
    let (worker, _) = try client(
      "worker", will: message("dead", topic: "state"), willDelay: .seconds(5))
    worker.cut()
    broker.advance(by: .seconds(4))
    worker.reconnect()
    broker.advance(by: .seconds(4))
    #expect(watcher.texts.isEmpty)
    worker.cut()
    broker.advance(by: .seconds(5))
    #expect(watcher.texts == ["dead"])
  }

  @Test("sessions and messages expire")
  func expiry() async throws {
    let (worker, _) = try client("worker", ["task"], expiry: .seconds(100))
    let (sender, _) = try client("sender")
    worker.crash()
    try await sender.publish(message("short", expiry: .seconds(10)))
    try await sender.publish(message("long", expiry: .seconds(60)))
    broker.advance(by: .seconds(20))
    let (second, log) = try client("worker", ["task"], expiry: .seconds(100))
    #expect(log.texts == ["long"])
    #expect(log.messages.first?.expiry == .seconds(40), "what is left of it")
    second.crash()
    broker.advance(by: .seconds(100))
    let delivery = try await sender.publish(message("nobody"))
    #expect(delivery == .noSubscriber)
    let (_, last) = try client("worker", ["task"], expiry: .seconds(100))
    #expect(last.connections == [false])
  }

  @Test("an absent client's queue is bounded, and nobody is told")
  func queueLimit() async throws {
    let broker = InMemoryBroker(queueLimit: 2)
    let session = BusSession(clientID: "worker", subscriptions: ["task"])
    let worker = broker.bus(session)
    try worker.start { _ in }
    worker.crash()
    let sender = broker.bus(BusSession(clientID: "sender", subscriptions: []))
    try sender.start { _ in }
    for text in ["one", "two", "three"] {
      let delivery = try await sender.publish(message(text))
      #expect(delivery == .accepted)
    }
    let log = EventLog()
    try broker.bus(session).start(log.handler)
    #expect(log.texts == ["one", "two"])
  }

  @Test("a broker without persistence forgets everything when it restarts")
  func amnesia() async throws {
    let (worker, log) = try client("worker", ["task"])
    let (sender, _) = try client("sender")
    try await sender.publish(BusMessage(topic: "state", payload: [1], isRetained: true))
    worker.cut()
    try await sender.publish(message("one"))
    broker.stop(keepingState: false)
    broker.start()
    worker.reconnect()
    #expect(log.texts.isEmpty)
    #expect(log.connections == [false, false])
    #expect(broker.retained.isEmpty)
  }

  @Test("the outbox is bounded")
  func outboxLimit() async throws {
    let bus = broker.bus(BusSession(clientID: "worker", subscriptions: []), outboxLimit: 1)
    try bus.start { _ in }
    broker.stop(keepingState: true)
    let waiting = Task { try await bus.publish(message("one")) }
    try await eventually("message in the outbox") { bus.backlog == 1 }
    let error = await #expect(throws: BusError.self) { try await bus.publish(message("two")) }
    #expect(error?.code == .queueFull)
    broker.start()
    #expect(try await waiting.value == .noSubscriber)
  }

  @Test("many publishers at once: each client gets everything, one at a time")
  func concurrency() async throws {
    let inside = Atomic(0)
    let overlaps = Atomic(0)
    let count = Atomic(0)
    try broker.bus(BusSession(clientID: "worker", subscriptions: ["#"])).start { event in
      guard case .message = event else { return }
      if inside.add(1, ordering: .relaxed).newValue > 1 { overlaps.add(1, ordering: .relaxed) }
      count.add(1, ordering: .relaxed)
      inside.subtract(1, ordering: .relaxed)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        let (bus, _) = try client("sender\(number)")
        group.addTask { for _ in 0..<50 { try await bus.publish(message("x")) } }
      }
      try await group.waitForAll()
    }
    try await eventually("rest") { count.load(ordering: .relaxed) == 1000 }
    #expect(overlaps.load(ordering: .relaxed) == 0)
  }
}
