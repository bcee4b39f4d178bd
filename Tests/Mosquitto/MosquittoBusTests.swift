import Glibc
import MessageBus
import Synchronization
import TestSupport
import Testing

@testable import Mosquitto

/// What only a real broker and a real network show.
@Suite("MosquittoBus", .requiresMosquitto, .timeLimit(.minutes(10)))
struct MosquittoBusTests {
  private let keeper = Keeper()

  private func client(
    _ address: BrokerAddress, _ id: String, _ subscriptions: [TopicFilter] = [], keepAlive: Duration = .seconds(10),
    tuning: BusTuning = .impatient
  ) throws -> (bus: MosquittoBus, log: EventLog) {
    let log = EventLog()
    let bus = keeper.keep(
      try MosquittoBus(
        session: BusSession(clientID: id, subscriptions: subscriptions, keepAlive: keepAlive), broker: address,
        tuning: tuning))
    try bus.start(log.handler)
    return (bus, log)
  }

  @Test("a message whose handler did not return in time comes again")
  func redelivery() async throws {
    let broker = try await Broker.running()
    let link = try Link(to: broker.port)
    defer { link.close() }
    let log = EventLog()
    let isFirst = Atomic(true)
    let worker = keeper.keep(
      try MosquittoBus(
        session: BusSession(clientID: "worker", subscriptions: ["task"]),
        broker: BrokerAddress(host: "127.0.0.1", port: link.port), tuning: .impatient))
    try worker.start { event in
      log.handler(event)
      // The connection breaks while the message is being handled: no acknowledgement can have left.
      if case .message = event, isFirst.exchange(false, ordering: .relaxed) { link.interrupt() }
    }
    try await eventually("connection") { !log.connections.isEmpty }
    let (sender, _) = try client(broker.address, "sender")
    try await sender.publish(BusMessage("task", "one"))
    try await eventually("redelivery") { log.texts.count >= 2 }
    #expect(log.texts == ["one", "one"])
    #expect(log.connections == [false, true])
  }

  @Test("a silent network is noticed by the keep-alive, and nothing is lost")
  func silence() async throws {
    let broker = try await Broker.running()
    let link = try Link(to: broker.port)
    defer { link.close() }
    let (worker, log) = try client(
      BrokerAddress(host: "127.0.0.1", port: link.port), "worker", ["task"], keepAlive: .seconds(5))
    try await eventually("connection") { !log.connections.isEmpty }
    link.silence()
    async let delivery = worker.publish(BusMessage("task", "one"))
    try await eventually("report", within: .seconds(20)) { !log.reasons.isEmpty }
    #expect(log.reasons.first?.contains("keep-alive") == true, "\(log.reasons)")
    link.mend()
    #expect(try await delivery == .accepted)
    try await eventually("message") { log.texts.contains("one") }
  }

  @Test("a broker that has forgotten everything is subscribed to again")
  func amnesia() async throws {
    let broker = try await Broker.running()
    let (worker, log) = try client(broker.address, "worker", ["task"])
    try await worker.subscribe(to: ["later"])
    try await broker.kill()
    try await broker.start()
    try await eventually("connection") { log.connections.count == 2 }
    #expect(log.connections == [false, false])
    for topic in ["task", "later"] {
      let delivery = try await worker.publish(BusMessage(topic, topic))
      #expect(delivery == .accepted)
    }
    try await eventually("messages") { log.texts == ["task", "later"] }
  }

  @Test("a broker that is not there is reported, and found when it comes")
  func lateBroker() async throws {
    let broker = try Broker()
    let (bus, log) = try client(broker.address, "worker")
    async let delivery = bus.publish(BusMessage("task", "one"))
    try await eventually("report") { !log.reasons.isEmpty }
    #expect(log.reasons.first?.contains("127.0.0.1:\(broker.port): connection refused") == true, "\(log.reasons)")
    try await broker.start()
    #expect(try await delivery == .noSubscriber)
    #expect(log.connections == [false])
  }

  @Test("a name that cannot be resolved is reported with the resolver's words")
  func unknownHost() async throws {
    let (bus, log) = try client(BrokerAddress(host: "broker.invalid"), "worker")
    let reason = try await eventually("report", within: .seconds(30)) { log.reasons.first }
    #expect(reason.contains("resolve the broker's name 'broker.invalid'"), "\(reason)")
    await bus.close(farewell: nil)
  }

  @Test("a broker that listens on one family only is found under a name that has two")
  func localhost() async throws {
    let broker = try await Broker.running()
    let (_, log) = try client(BrokerAddress(host: "localhost", port: broker.port), "worker")
    try await eventually("connection") { !log.connections.isEmpty }
  }

  @Test("socket numbers above 1023 are no obstacle")
  func manyDescriptors() async throws {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    try #require(limit.rlim_max >= 1300)
    limit.rlim_cur = max(limit.rlim_cur, 1300)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let broker = try await Broker.running()
    let occupied = (0..<1100).map { _ in unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }
    defer { for descriptor in occupied { close(descriptor) } }
    #expect(occupied.allSatisfy { $0 >= 0 })
    let (bus, log) = try client(broker.address, "worker", ["task"])
    try await bus.publish(BusMessage("task", "one"))
    try await eventually("message") { log.texts == ["one"] }
    await bus.close(farewell: nil)
  }

  @Test("too much for an absent broker is refused, by number and by bytes")
  func queueFull() async throws {
    let broker = try Broker()
    let (bus, _) = try client(
      broker.address, "worker",
      tuning: BusTuning(firstPause: .milliseconds(20), outboxMessages: 3, outboxBytes: 1000))
    async let first = bus.publish(BusMessage("task", String(repeating: "x", count: 900)))
    try await eventually("message in the outbox") { bus.backlog == 1 }
    let bytes = await #expect(throws: BusError.self) {
      try await bus.publish(BusMessage("task", String(repeating: "x", count: 100)))
    }
    #expect(bytes?.code == .queueFull)
    async let second = bus.publish(BusMessage("task", "two"))
    async let third = bus.publish(BusMessage("task", "three"))
    try await eventually("message in the outbox") { bus.backlog == 3 }
    let number = await #expect(throws: BusError.self) { try await bus.publish(BusMessage("task", "four")) }
    #expect(number?.code == .queueFull)
    try await broker.start()
    _ = try await (first, second, third)
    #expect(bus.backlog == 0)
  }

  @Test("a message that expires in the outbox is not sent")
  func expiry() async throws {
    let broker = try Broker()
    let (bus, log) = try client(broker.address, "worker", ["task"])
    let message = BusMessage(topic: "task", payload: [], expiry: .milliseconds(1))
    let waiting = Task { try await bus.publish(message) }
    try await eventually("message in the outbox") { bus.backlog == 1 }
    try await Task.sleep(for: .milliseconds(5))
    try await broker.start()
    let error = await #expect(throws: BusError.self) { try await waiting.value }
    #expect(error?.description.contains("expired") == true)
    try await bus.publish(BusMessage("task", "marker"))
    try await eventually("marker") { log.texts == ["marker"] }
  }

  @Test("the will waits for its delay, and a connection in time withdraws it")
  func willDelay() async throws {
    let broker = try await Broker.running()
    let (_, watcher) = try client(broker.address, "watcher", ["state"])
    try await eventually("connection") { !watcher.connections.isEmpty }
    let session = BusSession(
      clientID: "worker", subscriptions: [], will: BusMessage("state", "dead"), willDelay: .seconds(2))
    let first = keeper.keep(try MosquittoBus(session: session, broker: broker.address, tuning: .impatient))
    let firstLog = EventLog()
    try first.start(firstLog.handler)
    try await eventually("connection") { !firstLog.connections.isEmpty }
    await first.cut()
    let second = keeper.keep(try MosquittoBus(session: session, broker: broker.address, tuning: .impatient))
    let secondLog = EventLog()
    try second.start(secondLog.handler)
    try await eventually("connection") { secondLog.connections == [true] }
    let start = ContinuousClock.now
    await second.cut()
    try await eventually("will") { !watcher.texts.isEmpty }
    // The first one's would have come before, and the second's is not early (the broker counts whole seconds).
    #expect(watcher.texts == ["dead"])
    #expect(.now - start > .milliseconds(100))
  }

  @Test("a bus that is let go without close ends as if the program had died")
  func letGo() async throws {
    let broker = try await Broker.running()
    let (_, watcher) = try client(broker.address, "watcher", ["state"])
    try await eventually("connection") { !watcher.connections.isEmpty }
    do {
      let log = EventLog()
      let bus = try MosquittoBus(
        session: BusSession(clientID: "worker", subscriptions: [], will: BusMessage("state", "dead")),
        broker: broker.address)
      try bus.start(log.handler)
      try await eventually("connection") { !log.connections.isEmpty }
    }
    try await eventually("will") { watcher.texts == ["dead"] }
  }

  @Test("close does not wait for a broker that is away")
  func closeWithoutBroker() async throws {
    let broker = try Broker()
    var tuning = BusTuning.impatient
    tuning.farewellLimit = .milliseconds(300)
    let (bus, log) = try client(broker.address, "worker", tuning: tuning)
    try await eventually("report") { !log.reasons.isEmpty }
    let took = await ContinuousClock().measure { await bus.close(farewell: BusMessage("state", "bye")) }
    #expect(took >= .milliseconds(300))
    #expect(took < .seconds(8), "but not for ever")
  }

  @Test("many publishers at once, over a broker that is killed and comes back, lose nothing")
  func storm() async throws {
    var options = Broker.Options()
    options.isPersistent = true
    let broker = try await Broker.running(options)
    let (_, log) = try client(broker.address, "listener", ["task/#"])
    let (sender, _) = try client(broker.address, "sender")
    try await eventually("connection") { !log.connections.isEmpty }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for publisher in 0..<8 {
        group.addTask {
          for number in 0..<100 { try await sender.publish(BusMessage("task/\(publisher)", "\(number)")) }
        }
      }
      group.addTask {
        for _ in 0..<3 {
          try await Task.sleep(for: .milliseconds(20))
          try await broker.stop()
          try await broker.start()
        }
      }
      try await group.waitForAll()
    }
    try await eventually("rest") { Set(log.messages.map { "\($0.topic) \($0.payload)" }).count == 800 }
    // Repeated perhaps, but in order.
    for publisher in 0..<8 {
      var next = 0
      for message in log.messages where message.topic == "task/\(publisher)" {
        let number = try #require(Int(String(decoding: message.payload, as: UTF8.self)))
        #expect(number <= next)
        next = max(next, number + 1)
      }
    }
  }

  @Test("a publish that the broker forbids is an error with the topic and the reason")
  func forbiddenPublish() async throws {
    let folder = try TemporaryFolder()
    try folder.write("topic read #\ntopic write allowed/#\n", to: "acl")
    var options = Broker.Options()
    options.lines = ["acl_file \(folder.file("acl"))"]
    let broker = try await Broker.running(options)
    let (bus, _) = try client(broker.address, "worker", ["#"])
    try await bus.publish(BusMessage("allowed/a", "one"))
    for quality in [BusMessage.Quality.atLeastOnce, .exactlyOnce] {
      let error = await #expect(throws: BusError.self) {
        try await bus.publish(BusMessage("forbidden/a", "two", quality: quality))
      }
      #expect(error?.code == .refused)
      #expect(error?.description.contains("forbidden/a") == true)
      #expect(error?.description.contains("not authorized") == true)
    }
  }

  @Test("subscriptions that the broker forbids are reported, not passed over", .requiresDynamicSecurity)
  func forbiddenSubscription() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      {"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false,
      "unsubscribe": true}, "clients": [], "groups": [], "roles": []}
      """, to: "security.json")
    var options = Broker.Options()
    options.lines = [
      "plugin \(Broker.dynamicSecurity ?? "")", "plugin_opt_config_file \(folder.file("security.json"))",
    ]
    let broker = try await Broker.running(options)
    // A standing wish: the connection is of no use, and is tried again.
    let (worker, log) = try client(broker.address, "worker", ["task"])
    try await eventually("two attempts") { log.reasons.count > 1 }
    #expect(log.reasons.first?.contains("refuses the subscription to task: not authorized") == true, "\(log.reasons)")
    #expect(log.connections.isEmpty)
    await worker.close(farewell: nil)
    // An additional one: the caller is told, everything else goes on.
    let (tool, toolLog) = try client(broker.address, "tool")
    let error = await #expect(throws: BusError.self) { try await tool.subscribe(to: ["task"]) }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("task: not authorized") == true)
    let delivery = try await tool.publish(BusMessage("task", "one"))
    #expect(delivery == .noSubscriber)
    #expect(toolLog.reasons.isEmpty)
  }

  @Test("the configuration is checked at once")
  func configuration() throws {
    let address = BrokerAddress(host: "127.0.0.1")
    func error(_ session: BusSession, _ broker: BrokerAddress) -> BusError? {
      #expect(throws: BusError.self) { _ = try MosquittoBus(session: session, broker: broker) }
    }
    let good = BusSession(clientID: "worker", subscriptions: [])
    #expect(error(BusSession(clientID: "", subscriptions: []), address)?.code == .invalid)
    #expect(error(BusSession(clientID: "w", subscriptions: ["a#"]), address)?.code == .invalid)
    #expect(error(BusSession(clientID: "w", subscriptions: [], will: BusMessage("a/+", "")), address)?.code == .invalid)
    #expect(error(good, BrokerAddress(host: ""))?.code == .invalid)
    #expect(error(good, BrokerAddress(host: "h", port: 0))?.code == .invalid)
    let tls = BrokerAddress(host: "h", tls: .init(caFile: "/nonexistent/ca.pem"))
    #expect(error(good, tls)?.description.contains("/nonexistent/ca.pem: no such file") == true)
  }
}
