import MessageBus
import TestSupport
import Testing

extension BusContractTests {
  @Test("a subscription asked for during an outage is granted afterwards", arguments: BusKind.available)
  func subscribeDuringOutage(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("worker")
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty }
    async let granted: Void = bus.subscribe(to: ["task"])
    try await bench.startBroker()
    try await granted
    let delivery = try await bus.publish(BusMessage("task", "one"))
    #expect(delivery == .accepted)
    try await eventually("message") { log.texts == ["one"] }
  }

  @Test("quality 0 is not kept for later, and the publisher learns it", arguments: BusKind.available)
  func bestEffort(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("worker")
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty }
    let error = await #expect(throws: BusError.self) {
      try await bus.publish(BusMessage("progress", "10 %", quality: .atMostOnce))
    }
    #expect(error?.code == .failed)
    #expect(error?.description.contains("publish to progress: not connected") == true)
  }

  @Test("of two programs with one client id exactly one stays", arguments: BusKind.available)
  func takeOver(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (first, firstLog) = try await bench.client("worker", ["task"])
    let (second, secondLog) = try await bench.client("worker", ["task"])
    try await eventually("decision", within: .seconds(20)) {
      firstLog.events.contains(.takenOver) || secondLog.events.contains(.takenOver)
    }
    #expect(firstLog.events.contains(.takenOver), "the newcomer stays")
    let error = await #expect(throws: BusError.self) { try await first.publish(BusMessage("task", "lost")) }
    #expect(error?.code == .closed)
    #expect(error?.description.contains("another program") == true)
    try await second.publish(BusMessage("task", "mine"))
    try await eventually("message") { secondLog.texts.contains("mine") }
    #expect(!secondLog.events.contains(.takenOver))
    #expect(firstLog.events.last == .takenOver, "nothing follows")
    await first.close(farewell: nil)
  }

  @Test("a refusal is reported in words, and asked again", arguments: BusKind.available)
  func refusal(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    try await bench.setRefusal(true, of: "user-a")
    let log = EventLog()
    let bus = try bench.bus(BusSession(clientID: "user-a", subscriptions: ["task"]))
    try bus.start(log.handler)
    let reason = try await eventually("refusal") { log.reasons.first }
    #expect(reason.lowercased().contains("refuses the connection: not authori"), "\(reason)")
    try await bench.setRefusal(false, of: "user-a")
    try await eventually("connection") { !log.connections.isEmpty }
  }

  @Test("close ends a publish that waits", arguments: BusKind.available)
  func closeWhileWaiting(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("worker")
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty }
    let waiting = Task { try await bus.publish(BusMessage("task", "one")) }
    try await eventually("message in the outbox") { bench.backlog(of: bus) == 1 }
    await bus.close(farewell: nil)
    let error = await #expect(throws: BusError.self) { try await waiting.value }
    #expect(error?.code == .closed)
    // And again, which changes nothing.
    await bus.close(farewell: nil)
    let late = await #expect(throws: BusError.self) { try await bus.publish(BusMessage("task", "two")) }
    #expect(late?.code == .closed)
    let again = #expect(throws: BusError.self) { try bus.start(log.handler) }
    #expect(again?.code == .closed)
  }

  @Test("a cancelled publish returns at once, and its message is sent all the same", arguments: BusKind.available)
  func cancellation(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("worker", ["task"])
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty }
    let waiting = Task { try await bus.publish(BusMessage("task", "one")) }
    try await eventually("message in the outbox") { bench.backlog(of: bus) == 1 }
    waiting.cancel()
    let error = await #expect(throws: BusError.self) { try await waiting.value }
    #expect(error?.code == .cancelled)
    try await bench.startBroker()
    try await eventually("message") { log.texts == ["one"] }
  }

  @Test("a bus that is not started, started twice or misused says so", arguments: BusKind.available)
  func misuse(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let bus = try bench.bus(BusSession(clientID: "worker", subscriptions: []))
    let early = await #expect(throws: BusError.self) { try await bus.publish(BusMessage("task", "one")) }
    #expect(early?.code == .closed)
    #expect(early?.description.contains("not started") == true)
    let log = EventLog()
    try bus.start(log.handler)
    #expect(throws: BusError.self) { try bus.start(log.handler) }
    for topic in ["", "a/+/b", "a/#", "a\0b", String(repeating: "x", count: 65536)] {
      let error = await #expect(throws: BusError.self) { try await bus.publish(BusMessage(topic, "one")) }
      #expect(error?.code == .invalid)
    }
    for filter: TopicFilter in ["", "a/b+", "#/a", "a#", "a\0b"] {
      let error = await #expect(throws: BusError.self) { try await bus.subscribe(to: [filter]) }
      #expect(error?.code == .invalid)
    }
    await bus.close(farewell: nil)
  }

  @Test("a bus can be closed before it is started", arguments: BusKind.available)
  func closeUnstarted(_ kind: BusKind) async throws {
    let bus = try await kind.bench().bus(BusSession(clientID: "worker", subscriptions: []))
    await bus.close(farewell: BusMessage("state", "bye"))
    #expect(throws: BusError.self) { try bus.start { _ in } }
  }

  @Test("the farewell follows everything that was published before", arguments: BusKind.available)
  func farewellIsLast(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, listener) = try await bench.client("listener", ["state"])
    let (bus, _) = try await bench.client("worker")
    for number in 0..<20 { try await bus.publish(BusMessage("state", "\(number)")) }
    await bus.close(farewell: BusMessage("state", "bye"))
    try await eventually("farewell") { listener.texts.last == "bye" }
    #expect(listener.texts.count == 21)
  }
}
