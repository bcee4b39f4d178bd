import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

@Suite("migfra-worker, the program", .requiresMosquitto, .timeLimit(.minutes(10)))
struct WorkerProgramTests {
  private func arguments(_ broker: Broker, _ folder: TemporaryFolder) -> [String] {
    [
      "--broker", "127.0.0.1:\(broker.port)", "--host", "node1", "--hypervisor-uri", "test:///default",
      "--state-directory", folder.file("state"),
    ]
  }

  /// What is said on the host's state topic from now on.
  private func listen(_ broker: Broker) throws -> (MosquittoBus, @Sendable () -> [HostReport]) {
    let log = EventLog()
    let bus = try MosquittoBus(
      session: BusSession(clientID: "listener", subscriptions: [TopicFilter(Topics.state("node1"))]),
      broker: broker.address)
    try bus.start(log.handler)
    return (bus, { log.messages.compactMap { try? HostReport.decode($0.payload) } })
  }

  @Test("It announces itself, says goodbye on SIGTERM, and the broker speaks for it after SIGKILL")
  func presence() async throws {
    let broker = try await Broker.running()
    let folder = try TemporaryFolder()
    let (bus, reports) = try listen(broker)
    let worker = try Programs.start("migfra-worker", arguments(broker, folder), output: folder.file("log"))
    let first = try await eventually("report") { reports().last }
    #expect(first.presence == .online)
    #expect(first.vms.map(\.name) == ["test"], "libvirt's test driver has one machine")
    #expect(first.hypervisor.hasPrefix("TEST"))
    try await worker.end(with: SIGTERM)
    #expect(worker.exitCode == 0, "\(folder.read("log"))")
    try await eventually("farewell") { reports().last?.presence == .stopped }

    let again = try Programs.start("migfra-worker", arguments(broker, folder), output: folder.file("log"))
    let second = try await eventually("report of the next incarnation") {
      reports().last.flatMap { $0.presence == .online ? $0 : nil }
    }
    #expect(second.epoch > first.epoch)
    try await again.end(with: SIGKILL)
    // The will is delayed, so that a short cut is no news.
    try await eventually("the will", within: .seconds(20)) { reports().last?.presence == .offline }
    #expect(reports().last?.epoch == second.epoch)
    await bus.close(farewell: nil)
  }

  @Test("A second worker on the same state directory is refused, with the way out")
  func exclusive() async throws {
    let broker = try await Broker.running()
    let folder = try TemporaryFolder()
    let (bus, reports) = try listen(broker)
    let worker = try Programs.start("migfra-worker", arguments(broker, folder), output: folder.file("log"))
    try await eventually("report") { reports().last }
    let second = try Programs.start("migfra-worker", arguments(broker, folder), output: folder.file("second"))
    #expect(try await second.wait() != 0)
    #expect(folder.read("second").contains("Does another worker use it?"), "\(folder.read("second"))")
    try await worker.end(with: SIGTERM)
    await bus.close(farewell: nil)
  }

  @Test("--check-config accepts the reference's file, and names what is wrong in another")
  func checkConfig() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      ---
      communicator:
        type: mqtt
        id: fast-migfra-<hostname>
        subscribe-topic: fast/migfra/<hostname>/task
        publish-topic: fast/migfra/<hostname>/result
        host: broker1
        port: 1883
        keepalive: 60
      hypervisor:
        type: libvirt
        driver: qemu
        transport: tcp
      pscom-handler:
        request-topic: fast/pscom/<vm-name>/any_proc/request
        response-topic: fast/pscom/<vm-name>/+/response
        qos: 0
      ...
      """, to: "migfra.conf")
    let good = try await Programs.run("migfra-worker", "--config", folder.file("migfra.conf"), "--check-config")
    #expect(good.status == 0, "\(good.text)")
    #expect(good.text.contains("broker           broker1:1883"))
    #expect(good.text.contains("peers at qemu+tcp://<host>/system"))

    try folder.write("communicator:\n  host: b\n  keepalife: 5\n", to: "bad.conf")
    let bad = try await Programs.run("migfra-worker", "-c", folder.file("bad.conf"), "--check-config")
    #expect(bad.status != 0)
    #expect(
      bad.text.contains("bad.conf, line 3, column 3: communicator.keepalife: unknown key, did you mean 'keepalive'?"))
  }
}
