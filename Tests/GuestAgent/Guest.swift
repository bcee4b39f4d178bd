import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport

/// A broker, a worker's place at it, and the machine vm1 with its agent.
final class Guest: Sendable {
  let view: ProcessView
  private let folder: TemporaryFolder
  private let broker: Broker
  private let bus: MosquittoBus
  private let events = EventLog()

  init() async throws {
    view = try ProcessView()
    folder = try TemporaryFolder()
    broker = try await Broker.running()
    bus = try MosquittoBus(
      session: BusSession(clientID: "worker", subscriptions: ["fast/pscom/+/+/response", "fast/pscom/+/+/state"]),
      broker: broker.address)
    try bus.start(events.handler)
    try await eventually("connection") { events.connections.count == 1 }
  }

  func close() async {
    await bus.close(farewell: nil)
  }

  /// What the agents have written.
  var log: String { folder.read("log") }

  func startAgent(_ further: String..., scanInterval: Double = 0.1) throws -> ChildProcess {
    try folder.write("guest-agent: {scan-interval: \(scanInterval), settle-time: 0.3}\n", to: "migfra.conf")
    return try Programs.start(
      "migfra-guest-agent",
      [
        "-c", folder.file("migfra.conf"), "--broker", "127.0.0.1:\(broker.port)", "--vm-name", "vm1",
        "--state-directory", folder.file("state"), "--proc", view.path,
      ] + further, output: folder.file("log"))
  }

  /// - Parameter state: nil: nothing.
  func untilAnnounced(_ process: TogglingProcess, _ state: PscomProcessReport.State?) async throws {
    let topic = PscomTopics.state("vm1", "\(process.pid)")
    let wanted = state.map { PscomProcessReport($0).encoded() } ?? []
    try await eventually("\(state.map { "\($0)" } ?? "end") on \(topic)") {
      events.messages.last { $0.topic == topic }?.payload == wanted
    }
  }

  /// What the broker keeps.
  func retained() async throws -> [String: String] {
    let events = EventLog()
    let late = try MosquittoBus(
      session: BusSession(clientID: "late", subscriptions: ["#"]), broker: broker.address)
    try late.start(events.handler)
    // The broker's own answer comes behind what it has kept.
    try await eventually("connection") { events.connections.count == 1 }
    try await late.publish(BusMessage(topic: "end", payload: []))
    try await eventually("end") { events.messages.contains { $0.topic == "end" } }
    await late.close(farewell: nil)
    let kept = events.messages.filter { $0.isRetained }.map { ($0.topic, String(decoding: $0.payload, as: UTF8.self)) }
    return Dictionary(kept) { $1 }
  }

  func send(
    _ request: PscomRequest, to process: String, as form: PscomForm = .seed, isRetained: Bool = false,
    expiry: Duration? = nil
  ) async throws {
    let topic = PscomTopics().request("vm1", process)
    try await bus.publish(
      BusMessage(topic: topic, payload: request.encoded(as: form), isRetained: isRetained, expiry: expiry))
  }

  func answers(of process: String) -> [PscomAnswer] {
    events.messages.filter { $0.topic == PscomTopics.response("vm1", process) }.map { PscomAnswer.decode($0.payload) }
  }

  /// Asks, and waits for the one answer.
  func ask(_ request: PscomRequest, _ process: TogglingProcess, as form: PscomForm = .seed) async throws -> PscomAnswer
  {
    let before = answers(of: "\(process.pid)").count
    try await send(request, to: "\(process.pid)", as: form)
    return try await eventually("answer of \(process.pid)") { answers(of: "\(process.pid)").dropFirst(before).first }
  }
}
