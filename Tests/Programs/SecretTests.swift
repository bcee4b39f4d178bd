import Foundation
import MessageBus
import Mosquitto
import TestSupport
import Testing

@Suite("Passwords", .requiresMosquitto, .timeLimit(.minutes(10)))
struct SecretTests {
  private static let programs = ["migfra-worker", "migfra-coordinator", "migfra-guest-agent", "migfra"]
  private static let secret = "cRz0-very-secret"

  @Test("no program takes one on its command line", arguments: programs)
  func options(_ program: String) async throws {
    let help = try await Programs.run(program, "--help-hidden")
    #expect(help.status == 0 && help.text.contains("--help"))
    #expect(help.text.firstMatch(of: /(?i)password|passphrase|secret|credential|token/) == nil, "\(help.text)")
    let given = try await Programs.run(program, "--password", Self.secret)
    #expect(given.status == 64, "\(given)")
  }

  @Test("a password lets every program in, and is neither in its log nor in what the system shows of it")
  func connected() async throws {
    var options = Broker.Options()
    options.passwords = ["migfra": Self.secret]
    let broker = try await Broker.running(options)
    let folder = try TemporaryFolder()
    try folder.write(configuration(broker, in: folder), to: "migfra.conf")
    for program in Self.programs.dropLast() {
      let log = "\(program).log"
      let child = try Programs.start(program, ["-c", folder.file("migfra.conf")], output: folder.file(log))
      try await eventually("connection of \(program)") {
        if let code = child.exitCode { throw ChildError(description: "\(program): \(code), \(folder.read(log))") }
        return folder.read(log).contains("connected to the broker")
      }
      for file in ["cmdline", "environ", "comm"] {
        let text = String(decoding: try contents(of: "/proc/\(child.id)/\(file)"), as: UTF8.self)
        #expect(!text.isEmpty && !text.contains(Self.secret), "\(file)")
      }
      try await child.end(with: SIGTERM)
      #expect(!folder.read(log).contains(Self.secret))
      let check = try await Programs.run(program, "-c", folder.file("migfra.conf"), "--check-config")
      #expect(check.status == 0 && !check.text.contains(Self.secret), "\(check)")
    }
    let hosts = try await Programs.run("migfra", "hosts", "-c", folder.file("migfra.conf"))
    #expect(hosts.status == 0 && !hosts.text.contains(Self.secret), "\(hosts)")
  }

  @Test("that of a machine's display is not in the worker's log, whatever is logged")
  func display() async throws {
    let broker = try await Broker.running()
    let folder = try TemporaryFolder()
    try folder.write(configuration(broker, in: folder), to: "migfra.conf")
    let worker = try Programs.start("migfra-worker", ["-c", folder.file("migfra.conf")], output: folder.file("log"))
    let log = EventLog()
    let client = try MosquittoBus(
      session: BusSession(clientID: "client", subscriptions: ["fast/migfra/node1/result"]), broker: broker.address)
    try client.start(log.handler)
    try await eventually("connections") {
      !log.connections.isEmpty && folder.read("log").contains("connected to the broker")
    }
    let xml =
      "<domain type='qemu'><name>vm1</name><memory>65536</memory><vcpu>1</vcpu><devices>"
      + "<graphics type='vnc' passwd='\(Self.secret)'/></devices></domain>"
    let task = "{task: start vm, id: s1, vm-configurations: [{xml: \"\(xml)\", probe-with-ssh: false}]}"
    try await client.publish(BusMessage(topic: "fast/migfra/node1/task", payload: Array(task.utf8)))
    let answer = try await eventually("answer", within: .seconds(30)) { log.texts.first }
    #expect(answer.contains("status: success"), "\(answer)")
    try await worker.end(with: SIGTERM)
    #expect(folder.read("log").contains("operation begins"))
    #expect(!folder.read("log").contains(Self.secret))
    await client.close(farewell: nil)
  }

  @Test("a wrong password is not repeated", arguments: programs)
  func refused(_ program: String) async throws {
    var options = Broker.Options()
    options.passwords = ["migfra": "another"]
    let broker = try await Broker.running(options)
    let folder = try TemporaryFolder()
    try folder.write(configuration(broker, in: folder), to: "migfra.conf")
    let command = program == "migfra" ? ["hosts"] : []
    let child = try Programs.start(program, command + ["-c", folder.file("migfra.conf")], output: folder.file("log"))
    try await eventually("refusal", within: .seconds(30)) {
      folder.read("log").lowercased().firstMatch(of: /not authori[sz]ed/) != nil
    }
    try await child.end(with: SIGTERM)
    #expect(!folder.read("log").contains(Self.secret), "\(folder.read("log"))")
  }

  @Test(
    "a file that is wrong around one is refused without it",
    arguments: [
      "communicator: {password: SECRET}", "communicator: {username: a, pasword: SECRET}",
      "communicator: {username: a, password: [SECRET]}", "communicator: {username: a, password: {a: SECRET}}",
      "communicator: {username: a, password: \"SECRET\\0\"}", "communicator: {username: a, password: SECRET",
      "communicator:\n  username: a\n  password: SECRET\n password: SECRET\n",
      "communicator: {username: a, password: SECRET, password: SECRET}",
      "communicator: {username: a, password: *SECRET}",
      "communicator: {username: a, password: &SECRET SECRET}", "communicator: {username: a, password: !SECRET SECRET}",
      "communicator:\n  username: a\n  password: SECRET: SECRET\n",
      "communicator:\n  username: a\n  password: \"SECRET\\q\"\n",
    ])
  func wrongFile(_ text: String) async throws {
    let folder = try TemporaryFolder()
    try folder.write(text.replacing("SECRET", with: Self.secret), to: "migfra.conf")
    let check = try await Programs.run("migfra-worker", "-c", folder.file("migfra.conf"), "--check-config")
    #expect(check.status != 0, "\(check)")
    #expect(check.text.contains("migfra.conf, line") && !check.text.contains(Self.secret), "\(check)")
  }

  private func configuration(_ broker: Broker, in folder: TemporaryFolder) -> String {
    """
    host: node1
    state-directory: \(folder.file("state"))
    communicator: {host: 127.0.0.1, port: \(broker.port), username: migfra, password: \(Self.secret)}
    hypervisor: {type: dummy}
    log: {level: trace}
    """
  }

  private func contents(of file: String) throws -> Data {
    try FileHandle(forReadingFrom: URL(filePath: file)).readToEnd() ?? Data()
  }
}
