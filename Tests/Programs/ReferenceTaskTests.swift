import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

/// A worker program on libvirt's test driver, and a client that counts answers as the C++ program's clients do.
private final class Rig: Sendable {
  let broker: Broker
  let folder: TemporaryFolder
  let worker: ChildProcess
  private let bus: MosquittoBus
  private let log = EventLog()

  init(_ configuration: String = "") async throws {
    broker = try await Broker.running()
    folder = try TemporaryFolder()
    bus = try MosquittoBus(
      session: BusSession(
        clientID: "client", subscriptions: [TopicFilter(Topics.result("node1")), TopicFilter(Topics.state("node1"))]),
      broker: broker.address)
    try bus.start(log.handler)
    try folder.write("host: node1\nhypervisor: {uri: 'test:///default'}\n\(configuration)", to: "migfra.conf")
    worker = try Programs.start(
      "migfra-worker",
      [
        "-c", folder.file("migfra.conf"), "--broker", "127.0.0.1:\(broker.port)", "--state-directory",
        folder.file("state"),
      ], output: folder.file("log"))
    try await eventually("report") { [log] in log.messages.contains { $0.topic == Topics.state("node1") } }
  }

  var answers: [String] {
    log.messages.filter { $0.topic == Topics.result("node1") }.map { String(decoding: $0.payload, as: UTF8.self) }
  }

  /// Sends a task and returns the next answer on the result topic.
  func ask(_ task: String) async throws -> String {
    let before = answers.count
    try await bus.publish(BusMessage(topic: Topics.task("node1"), payload: Array(task.utf8)))
    return try await eventually("answer to \(task)", within: .seconds(20)) { [self] in
      answers.count > before ? answers[before] : nil
    }
  }

  func end() async throws {
    if worker.exitCode == nil { try await worker.end(with: SIGTERM) }
    await bus.close(farewell: nil)
  }
}

@Suite("Tasks as the C++ program's clients send them", .requiresMosquitto, .timeLimit(.minutes(10)))
struct ReferenceTaskTests {
  private static let domain =
    "<domain type='test'><name>NAME</name><memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"

  /// One after another, as the machines are then.
  private static let rows: [(task: String, answer: String)] = [
    (
      "task: start vm\nhost: elsewhere\nid: 1\nvm-configurations:\n- xml: \(domain)\n  memory: 131072\n  vcpus: 4\n"
        + "  vcpu-map: [[0], [1], [0], [1]]\n  probe-with-ssh: false\n  concurrent-execution: false\n",
      "scheduler: node1\nresult: vm started\nid: \"1\"\nlist:\n- vm-name: NAME\n  status: success\n"
    ),
    (
      "task: start vm\nvm-configurations:\n- xml: \(domain.replacing("NAME", with: "t1"))\n  transient: true\n  memory: 0x8000\n"
        + "  driver: qemu\n  probe-with-ssh: false\n",
      "vm-name: t1\n  status: success"
    ),
    (
      "task: start vm\nvm-configurations:\n- {vm-name: t1, transient: true}\n",
      "a transient machine is started from 'xml'"
    ),
    (
      "---\ntask: suspend vm\nlist:\n- vm-name: NAME\n- vm-name: t1\n---\n",
      "result: vm suspended\nlist:\n- vm-name: NAME"
    ),
    ("task: suspend vm\nlist: [{vm-name: NAME}]\n", "status: success"),
    ("{\"task\": \"resume vm\", \"list\": [{\"vm-name\": \"NAME\"}, {\"vm-name\": \"t1\"}]}", "result: vm resumed"),
    (
      "task: repin vm\nvm-name: NAME\nvcpu-map: [[1], [0], [1], [0]]\n",
      "result: vm repinned\nvm-name: NAME\nstatus: success"
    ),
    ("task: repin vm\nvm-name: NAME\nvcpu-map: [[99]]\n", "vcpu-map[0] names CPU 99"),
    (
      "task: migrate vm\nvm-name: NAME\ndestination: 127.0.0.1\nparameter: {retry_counter: 0, transport: unix}\n",
      "not supported by the connection driver"
    ),
    ("task: migrate vm\nvm-name: NAME\ndestination: n2\ntransport: ext\n", "transport: expected one of ssh, libssh"),
    (
      "task: stop vm\nlist: [{vm-name: NAME, driver: 'qemu+ext:///system?command=/bin/true#'}]\n",
      "driver 'qemu+ext:///system?command=/bin/true#' is not that of node1"
    ),
    ("task: migrate vm\nvm-name: NAME\ndestination: n2\nparameter: {swap-with: t1}\n", "code: no-coordinator"),
    (
      "task: stop vm\nlist:\n- {regex: 't[0-9]', force: true}\n",
      "result: vm stopped\nlist:\n- vm-name: t1\n  status: success"
    ),
    ("task: stop vm\nlist: [{regex: 'nobody.*'}]\n", "result: vm stopped\nlist: []"),
    ("task: stop vm\nlist: [{vm-name: NAME, force: true, undefine: true}]\n", "status: success"),
    ("task: stop vm\nlist: [{vm-name: NAME}]\n", "Domain not found: no domain with matching name 'NAME'"),
    ("task: quit\n", "'quit' is not enabled"),
  ]

  @Test("each gets one answer, in the seed's form")
  func seedForm() async throws {
    let rig = try await Rig()
    for (task, expected) in Self.rows {
      let answer = try await rig.ask(task)
      #expect(answer.contains(expected), "\(task): \(answer)")
    }
    #expect(rig.answers.count == Self.rows.count)
    try await rig.end()
  }

  @Test("in the reference's dialect each gets an answer in its form, and quit ends the worker after it")
  func referenceForm() async throws {
    let rig = try await Rig("dialect: reference\nallow-quit: true\n")
    let repinned = try await rig.ask("task: repin vm\nid: r\nvm-name: test\nvcpu-map: [[0]]\n")
    #expect(repinned == "---\nresult: vm repinned\nlist:\n- vm-name: test\n  status: success\nid: r\n---\n")
    let suspended = try await rig.ask("task: suspend vm\nlist: [{vm-name: test, time-measurement: true}]\n")
    #expect(suspended.contains("  time-measurement:\n    overall: "), "\(suspended)")
    let quit = try await rig.ask("task: quit\nid: q\n")
    #expect(quit == "---\nresult: quit\nlist:\n- vm-name: n/a\n  status: success\nid: q\n---\n")
    #expect(try await rig.worker.wait() == 0, "\(rig.folder.read("log"))")
    try await rig.end()
  }
}
