import MessageBus
import Mosquitto
import TestSupport
import Testing

@Suite("MosquittoBus over TLS", .requiresMosquitto, .requiresOpenSSL, .timeLimit(.minutes(10)))
struct TLSTests {
  private let keeper = Keeper()

  private func broker(_ certificates: Certificates, lines: [String] = []) async throws -> Broker {
    var options = Broker.Options()
    options.tls = (certificates.authority, certificates.server, certificates.serverKey)
    options.lines = lines
    return try await Broker.running(options)
  }

  private func start(_ broker: Broker, host: String = "127.0.0.1", _ tls: BrokerAddress.TLS?) throws -> (
    bus: MosquittoBus, log: EventLog
  ) {
    let log = EventLog()
    let bus = keeper.keep(
      try MosquittoBus(
        session: BusSession(clientID: "worker", subscriptions: ["task"]),
        broker: BrokerAddress(host: host, port: broker.port, tls: tls), tuning: .impatient))
    try bus.start(log.handler)
    return (bus, log)
  }

  @Test("messages of all sizes pass, and the connection comes back with the broker")
  func passes() async throws {
    let certificates = try await Certificates()
    let broker = try await broker(certificates)
    let (bus, log) = try start(broker, .init(caFile: certificates.authority))
    try await bus.publish(BusMessage("task", "one"))
    try await bus.publish(BusMessage(topic: "task", payload: Array(repeating: 7, count: 2 << 20)))
    try await eventually("message") { log.messages.count == 2 }
    try await broker.stop()
    try await eventually("refused connection") {
      log.reasons.contains { $0.contains("127.0.0.1:\(broker.port): connection refused") }
    }
    try await broker.start()
    try await eventually("connection") { log.connections.count == 2 }
    try await bus.publish(BusMessage("task", "two"))
    try await eventually("message") { log.messages.count == 3 }
    await bus.close(farewell: nil)
  }

  @Test("a broker with a stranger's certificate is not trusted, and the reason says so")
  func wrongAuthority() async throws {
    let certificates = try await Certificates()
    let strangers = try await Certificates()
    let broker = try await broker(certificates)
    let (_, log) = try start(broker, .init(caFile: strangers.authority))
    try await eventually("word about the certificate") {
      log.reasons.contains { $0.contains("certificate verify failed") }
    }
    #expect(log.connections.isEmpty)
    try await broker.stop()
  }

  @Test("a certificate for another host is not trusted, unless that is not wanted")
  func wrongHost() async throws {
    let certificates = try await Certificates(for: "DNS:elsewhere")
    let broker = try await broker(certificates)
    let (strict, log) = try start(broker, .init(caFile: certificates.authority))
    try await eventually("word about the name") {
      log.reasons.contains { $0.contains("host name verification failed") }
    }
    await strict.close(farewell: nil)
    #expect(log.connections.isEmpty)
    let (_, lenient) = try start(broker, .init(caFile: certificates.authority, verifyHostname: false))
    try await eventually("connection") { !lenient.connections.isEmpty }
  }

  @Test("a broker that asks for a certificate gets ours")
  func clientCertificate() async throws {
    let certificates = try await Certificates()
    let broker = try await broker(certificates, lines: ["require_certificate true"])
    let (without, log) = try start(broker, .init(caFile: certificates.authority))
    try await eventually("report") { !log.reasons.isEmpty }
    #expect(log.connections.isEmpty)
    await without.close(farewell: nil)
    let (_, with) = try start(
      broker,
      .init(
        caFile: certificates.authority, certificateFile: certificates.client, keyFile: certificates.clientKey))
    try await eventually("connection") { !with.connections.isEmpty }
  }
}
