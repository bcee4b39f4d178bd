import MessageBus
import Mosquitto
import TestSupport
import Testing

/// The implementations of `MessageBus` that the contract is tested with.
enum BusKind: String, CaseIterable, CustomTestStringConvertible {
  case inMemory = "InMemoryBus"
  case mosquitto = "MosquittoBus"

  var testDescription: String { rawValue }

  /// `MosquittoBus` only where there is a mosquitto; `MosquittoBusTests` reports the absence.
  static var available: [BusKind] { Broker.isAvailable ? allCases : [.inMemory] }

  func bench() async throws -> any BusBench {
    switch self {
    case .inMemory: InMemoryBench()
    case .mosquitto: try await MosquittoBench()
    }
  }
}

/// A broker and its clients, of either kind. The broker keeps its state when it restarts.
protocol BusBench: Sendable {
  func bus(_ session: BusSession) throws -> any MessageBus
  /// Kills the program that has this bus.
  func kill(_ bus: any MessageBus) async throws
  /// How many messages of this bus wait for the broker.
  func backlog(of bus: any MessageBus) -> Int
  func stopBroker() async throws
  func startBroker() async throws
  /// Lets the broker refuse this client, or admit it.
  func setRefusal(_ isRefused: Bool, of clientID: String) async throws
}

extension BusBench {
  /// A started bus and what it reports; connected when this returns.
  func client(
    _ id: String, _ subscriptions: [TopicFilter] = [], will: BusMessage? = nil,
    expiry: Duration = .seconds(3600)
  ) async throws -> (bus: any MessageBus, log: EventLog) {
    let log = EventLog()
    let bus = try bus(BusSession(clientID: id, subscriptions: subscriptions, will: will, expiry: expiry))
    try bus.start(log.handler)
    try await eventually("connection of \(id)") { !log.connections.isEmpty }
    return (bus, log)
  }
}

struct InMemoryBench: BusBench {
  private let broker = InMemoryBroker()

  func bus(_ session: BusSession) -> any MessageBus { broker.bus(session) }
  func kill(_ bus: any MessageBus) { (bus as? InMemoryBus)?.crash() }
  func backlog(of bus: any MessageBus) -> Int { (bus as? InMemoryBus)?.backlog ?? -1 }
  func stopBroker() { broker.stop(keepingState: true) }
  func startBroker() { broker.start() }

  func setRefusal(_ isRefused: Bool, of clientID: String) {
    if isRefused { broker.refuse(clientID, because: "not authorised") } else { broker.admit(clientID) }
  }
}

final class MosquittoBench: BusBench {
  private let broker: Broker
  private let keeper = Keeper()

  init() async throws {
    var options = Broker.Options()
    options.isPersistent = true
    options.passwords = ["everybody": "secret"]
    broker = try Broker(options)
    try await broker.start()
  }

  func bus(_ session: BusSession) throws -> any MessageBus {
    var address = broker.address
    // Each client is a user of its own only where it matters.
    address.username = session.clientID.hasPrefix("user-") ? session.clientID : "everybody"
    address.password = "secret"
    return keeper.keep(try MosquittoBus(session: session, broker: address, tuning: .impatient))
  }

  func kill(_ bus: any MessageBus) async { await (bus as? MosquittoBus)?.cut() }
  func backlog(of bus: any MessageBus) -> Int { (bus as? MosquittoBus)?.backlog ?? -1 }
  func stopBroker() async throws { try await broker.stop() }
  func startBroker() async throws { try await broker.start() }

  func setRefusal(_ isRefused: Bool, of clientID: String) throws {
    var passwords = ["everybody": "secret"]
    if !isRefused { passwords[clientID] = "secret" }
    try broker.setPasswords(passwords)
  }
}

extension BusTuning {
  /// For tests, in which nothing is far away.
  static let impatient = BusTuning(
    firstPause: .milliseconds(20), longestPause: .milliseconds(200), refusedPause: .milliseconds(50))
}

extension BusMessage {
  init(_ topic: String, _ text: String, quality: Quality = .atLeastOnce, isRetained: Bool = false) {
    self.init(topic: topic, payload: Array(text.utf8), quality: quality, isRetained: isRetained)
  }
}
