import MessageBus
import TestSupport
import Testing

/// What both implementations of `MessageBus` promise.
@Suite("The contract of MessageBus", .timeLimit(.minutes(10)))
struct BusContractTests {
  @Test("a message reaches those who subscribe to its topic, and only those", arguments: BusKind.available)
  func publishSubscribe(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, listener) = try await bench.client("listener", ["fast/+/task", "deep/#"])
    let (_, other) = try await bench.client("other", ["fast/node2/task"])
    let (sender, _) = try await bench.client("sender")
    let deliveries = [
      try await sender.publish(BusMessage("fast/node1/task", "one")),
      try await sender.publish(BusMessage("deep/er/and/deeper", "two")),
      try await sender.publish(BusMessage("fast/node2/task", "three", quality: .exactlyOnce)),
      try await sender.publish(BusMessage("fast/node1/task", "four", quality: .atMostOnce)),
    ]
    #expect(deliveries == [.accepted, .accepted, .accepted, .accepted])
    try await eventually("message") { listener.texts.count >= 4 && !other.texts.isEmpty }
    #expect(listener.texts == ["one", "two", "three", "four"])
    #expect(other.texts == ["three"])
    #expect(listener.messages.map(\.quality) == [.atLeastOnce, .atLeastOnce, .atLeastOnce, .atMostOnce])
    #expect(listener.messages.first?.topic == "fast/node1/task")
    #expect(listener.messages.allSatisfy { !$0.isRetained })
  }

  @Test("the publisher learns that nobody subscribes", arguments: BusKind.available)
  func noSubscriber(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (sender, _) = try await bench.client("sender", ["elsewhere"])
    let delivery = try await sender.publish(BusMessage("fast/nobody/task", "hello"))
    #expect(delivery == .noSubscriber)
  }

  @Test("an absent client with a session counts as a subscriber", arguments: BusKind.available)
  func absentSubscriber(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (worker, _) = try await bench.client("worker", ["task"])
    await worker.close(farewell: nil)
    let (sender, _) = try await bench.client("sender")
    let delivery = try await sender.publish(BusMessage("task", "hello"))
    #expect(delivery == .accepted)
  }

  @Test("a retained message waits for late subscribers until an empty one deletes it", arguments: BusKind.available)
  func retained(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (sender, _) = try await bench.client("sender")
    try await sender.publish(BusMessage("state/a", "old", isRetained: true))
    try await sender.publish(BusMessage("state/a", "new", isRetained: true))
    try await sender.publish(BusMessage("state/b", "gone", isRetained: true))
    try await sender.publish(BusMessage("state/b", "", isRetained: true))
    let (_, late) = try await bench.client("late", ["state/+"])
    try await eventually("message") { !late.messages.isEmpty }
    // A marker behind everything that could still come.
    try await sender.publish(BusMessage("state/marker", "marker"))
    try await eventually("marker") { late.texts.contains("marker") }
    #expect(late.texts == ["new", "marker"])
    #expect(late.messages.map(\.isRetained) == [true, false])
  }

  @Test("response topic, correlation data and expiry arrive unchanged", arguments: BusKind.available)
  func properties(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, listener) = try await bench.client("listener", ["task"])
    let (sender, _) = try await bench.client("sender")
    let message = BusMessage(
      topic: "task", payload: [0, 255, 1], responseTopic: "answers/ä", correlationData: [0, 1, 2, 0xff],
      expiry: .seconds(60))
    try await sender.publish(message)
    let received = try await eventually("message") { listener.messages.first }
    #expect(received == message)
  }

  @Test("messages of one topic keep their order", arguments: BusKind.available)
  func order(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, listener) = try await bench.client("listener", ["task"])
    let (sender, _) = try await bench.client("sender")
    for number in 0..<200 { try await sender.publish(BusMessage("task", "\(number)")) }
    try await eventually("last message") { listener.texts.count >= 200 }
    #expect(listener.texts == (0..<200).map(String.init))
  }

  @Test("payloads of no and of two million bytes pass", arguments: BusKind.available)
  func sizes(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("both", ["task"])
    let large = (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try await bus.publish(BusMessage(topic: "task", payload: []))
    try await bus.publish(BusMessage(topic: "task", payload: large))
    try await bus.publish(BusMessage("task", "after"))
    try await eventually("message") { log.messages.count >= 3 }
    #expect(log.messages[0].payload.isEmpty)
    // Not inside the macro, which would look at each byte.
    let isUnchanged = log.messages[1].payload == large
    #expect(isUnchanged)
    #expect(log.messages[2].payload == Array("after".utf8))
  }

  @Test("the will is published when a program dies", arguments: BusKind.available)
  func will(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, watcher) = try await bench.client("watcher", ["state/+"])
    let (worker, _) = try await bench.client("worker", will: BusMessage("state/worker", "dead", isRetained: true))
    try await bench.kill(worker)
    try await eventually("will") { watcher.texts == ["dead"] }
    let (_, late) = try await bench.client("late", ["state/+"])
    try await eventually("retained will") { late.texts == ["dead"] }
  }

  @Test("a farewell is published instead of the will", arguments: BusKind.available)
  func farewell(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, watcher) = try await bench.client("watcher", ["state/+"])
    let (worker, _) = try await bench.client("worker", will: BusMessage("state/worker", "dead"))
    await worker.close(farewell: BusMessage("state/worker", "gone home"))
    // By now the broker has seen the end of the connection, and a will would have been sent before this.
    let (sender, _) = try await bench.client("sender")
    try await sender.publish(BusMessage("state/marker", "marker"))
    try await eventually("marker") { watcher.texts.contains("marker") }
    #expect(watcher.texts == ["gone home", "marker"])
  }

  @Test("a kept session collects what is published meanwhile", arguments: BusKind.available)
  func session(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (first, firstLog) = try await bench.client("worker", ["task"])
    #expect(firstLog.connections == [false])
    try await bench.kill(first)
    let (sender, _) = try await bench.client("sender")
    try await sender.publish(BusMessage("task", "one"))
    try await sender.publish(BusMessage("task", "best effort", quality: .atMostOnce))
    try await sender.publish(BusMessage("task", "two"))
    let (_, log) = try await bench.client("worker", ["task"])
    try await eventually("message") { log.texts.count >= 2 }
    #expect(log.texts == ["one", "two"])
    #expect(log.connections == [true])
  }

  @Test("without expiry nothing is kept", arguments: BusKind.available)
  func noSession(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (first, _) = try await bench.client("tool", ["task"], expiry: .zero)
    await first.close(farewell: nil)
    let (sender, _) = try await bench.client("sender")
    let delivery = try await sender.publish(BusMessage("task", "one"))
    #expect(delivery == .noSubscriber)
    let (_, log) = try await bench.client("tool", ["task"], expiry: .zero)
    #expect(log.connections == [false])
    try await sender.publish(BusMessage("task", "two"))
    try await eventually("message") { !log.texts.isEmpty }
    #expect(log.texts == ["two"])
  }

  @Test("the connection and the subscriptions come back with the broker", arguments: BusKind.available)
  func restart(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (bus, log) = try await bench.client("worker", ["task"])
    try await bus.subscribe(to: ["later"])
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty }
    try await bench.startBroker()
    try await eventually("connection") { log.connections.count == 2 }
    #expect(log.connections == [false, true])
    #expect(log.reasons.allSatisfy { !$0.isEmpty })
    try await bus.publish(BusMessage("task", "one"))
    try await bus.publish(BusMessage("later", "two"))
    try await eventually("message") { log.texts == ["one", "two"] }
  }

  @Test("what is published during an outage arrives afterwards, in order", arguments: BusKind.available)
  func outage(_ kind: BusKind) async throws {
    let bench = try await kind.bench()
    let (_, listener) = try await bench.client("listener", ["task"])
    let (sender, log) = try await bench.client("sender")
    try await bench.stopBroker()
    try await eventually("report") { !log.reasons.isEmpty && !listener.reasons.isEmpty }
    try await withThrowingTaskGroup(of: Delivery.self) { group in
      for number in 0..<50 {
        group.addTask { try await sender.publish(BusMessage("task", "\(number)")) }
        // One after another, or there would be no order to keep.
        try await eventually("message in the outbox") { bench.backlog(of: sender) == number + 1 }
      }
      try await bench.startBroker()
      for try await delivery in group { #expect(delivery == .accepted) }
    }
    try await eventually("last message") { listener.texts.count >= 50 }
    #expect(listener.texts == (0..<50).map(String.init))
    #expect(bench.backlog(of: sender) == 0)
  }
}
