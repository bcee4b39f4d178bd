import ClusterModel
import DaemonKit
import TestSupport
import Testing
import YAML

@Suite("A wrong configuration names the key, its line and what is expected")
struct WrongConfigurationTests {
  private func error(_ text: String) throws -> YAMLError {
    try #require(throws: YAMLError.self) { try Configuration.parse(Array(text.utf8), hostname: "node7") }
  }

  @Test(
    "a wrong value",
    arguments: [
      ("host: node 1", 1, "host: expected a host name (letters, digits, '.', '-', '_'), found 'node 1'"),
      ("state-directory: [a]", 1, "state-directory: expected a string, found a list"),
      ("state-directory: ''", 1, "state-directory: expected a string that is not empty"),
      ("\ncommunicator: mqtt", 2, "communicator: expected a mapping, found 'mqtt'"),
      ("communicator:\n  type: amqp", 2, "communicator.type: expected 'mqtt', found 'amqp'"),
      ("communicator:\n  host: ''", 2, "communicator.host: expected a string that is not empty"),
      ("communicator:\n  host: tcp://a", 2, "communicator.host: expected a host name or an address, found 'tcp://a'"),
      ("communicator:\n  host: '[::1]'", 2, "communicator.host: expected a host name or an address, found '[::1]'"),
      ("communicator:\n  port: 0", 2, "communicator.port: expected 1 to 65535, found 0"),
      ("communicator:\n  port: 65536", 2, "communicator.port: expected 1 to 65535, found 65536"),
      ("communicator:\n  port: '1883'", 2, "communicator.port: expected an integer, found the string '1883'"),
      ("communicator:\n  port: mqtts", 2, "communicator.port: expected an integer, found 'mqtts'"),
      ("communicator:\n  id: ''", 2, "communicator.id: expected a string that is not empty"),
      ("communicator:\n  keepalive: 4", 2, "communicator.keepalive: expected 5 to 3600, found 4"),
      ("communicator:\n  keepalive: 10s", 2, "communicator.keepalive: expected an integer, found '10s'"),
      ("communicator:\n  subscribe-topic: ''", 2, "communicator.subscribe-topic: expected a string that is not empty"),
      (
        "communicator:\n  publish-topic: fast/+/result", 2,
        "communicator.publish-topic: expected a topic without wildcards, found 'fast/+/result'"
      ),
      ("communicator:\n  password: a", 2, "communicator.username: required with 'password'"),
      ("tls: {}", 1, "tls.ca-file: required, expected a file with the broker's certificate authority"),
      ("tls:\n  ca-file: a\n  certificate-file: b", 2, "tls.key-file: required with 'certificate-file'"),
      ("tls:\n  ca-file: a\n  key-file: b", 2, "tls.certificate-file: required with 'key-file'"),
      ("tls: true", 1, "tls: expected a mapping, found 'true'"),
      ("hypervisor:\n  type: ponci", 2, "hypervisor.type: expected one of libvirt, dummy, found 'ponci'"),
      (
        "hypervisor:\n  driver: \"test:///default#\"", 2,
        "hypervisor.driver: expected a word of lower-case letters and digits, found 'test:///default#'"
      ),
      ("hypervisor:\n  transport: SSH", 2, "hypervisor.transport: expected a word of lower-case letters and digits"),
      ("hypervisor:\n  start-timeout: 0", 2, "hypervisor.start-timeout: expected 1 to 86400, found 0"),
      ("hypervisor:\n  stop-timeout: -1", 2, "hypervisor.stop-timeout: expected 1 to 86400, found -1"),
      ("hypervisor:\n  stop-timeout: 1.5", 2, "hypervisor.stop-timeout: expected an integer, found '1.5'"),
      ("hypervisor:\n  nodes: [a, b/c]", 2, "hypervisor.nodes[1]: expected a host name"),
      ("hypervisor:\n  never-throw: 1", 2, "hypervisor.never-throw: expected true or false, found '1'"),
      ("pscom-handler:\n  qos: 3", 2, "pscom-handler.qos: expected 0 to 2, found 3"),
      ("guest-agent:\n  vm-name: a/b", 2, "guest-agent.vm-name: expected a machine's name"),
      ("guest-agent:\n  scan-interval: 0", 2, "guest-agent.scan-interval: expected 0.1 to 60 seconds, found 0"),
      ("guest-agent:\n  settle-time: 601", 2, "guest-agent.settle-time: expected 0 to 600 seconds, found 601"),
      ("guest-agent:\n  signal: 65", 2, "guest-agent.signal: expected 1 to 64, found 65"),
      ("guest-agent:\n  signal: USR1", 2, "guest-agent.signal: expected an integer, found 'USR1'"),
      ("capacity:\n  memory: 4 GiB", 2, "capacity.memory: expected an integer, found '4 GiB'"),
      ("capacity:\n  memory: 0", 2, "capacity.memory: expected 1 to "),
      ("capacity:\n  cpus: 0", 2, "capacity.cpus: expected 1 to 1000000, found 0"),
      ("capacity:\n  bandwidth: 0", 2, "capacity.bandwidth: expected 1 to 1000000, found 0"),
      ("capacity:\n  rack: \"\"", 2, "capacity.rack: expected a string that is not empty"),
      ("capacity:\n  labels: gen2", 2, "capacity.labels: expected a list, each item a string"),
      ("capacity:\n  reserved-memory: -1", 2, "capacity.reserved-memory: expected 0 to "),
      (
        "defaults:\n  migration-type: hot", 2,
        "defaults.migration-type: expected one of live, warm, offline, found 'hot'"
      ),
      ("defaults:\n  mode: best", 2, "defaults.mode: expected one of auto, compact, scatter, found 'best'"),
      ("defaults:\n  overbooking: 1", 2, "defaults.overbooking: expected true or false, found '1'"),
      ("defaults:\n  retry-counter: 1001", 2, "defaults.retry-counter: expected 0 to 1000, found 1001"),
      ("dialect: saxon", 1, "dialect: expected one of seed, reference, found 'saxon'"),
      ("allow-quit: 1", 1, "allow-quit: expected true or false, found '1'"),
      ("hypervisor:\n  shared-directory: tmp", 2, "shared-directory: expected an absolute path, found 'tmp'"),
      ("hypervisor:\n  rdma-hosts: [a]", 2, "rdma-hosts: expected a mapping of hosts to names"),
      ("pscom-handler:\n  request-topic: a", 2, "request-topic: expected <vm-name> in it, found 'a'"),
      ("pscom-handler:\n  payload: json", 2, "payload: expected one of seed, reference, found 'json'"),
      ("migration:\n  stall-timeout: 1", 2, "migration.stall-timeout: expected 5 to 3600, found 1"),
      ("limits:\n  outgoing-migrations: 9", 2, "limits.outgoing-migrations: expected 1 to 8, found 9"),
      ("limits:\n  incoming-migrations: 0", 2, "limits.incoming-migrations: expected 1 to 8, found 0"),
      ("limits:\n  migrations: 0", 2, "limits.migrations: expected 1 to 1000000, found 0"),
      ("limits:\n  link-share: 101", 2, "limits.link-share: expected 0 to 100, found 101"),
      ("limits:\n  parallel-starts: 65", 2, "limits.parallel-starts: expected 1 to 64, found 65"),
      ("limits:\n  progress-interval: 0.05", 2, "limits.progress-interval: expected 0.1 to 60 seconds, found 0.05"),
      ("limits:\n  progress-interval: 1s", 2, "limits.progress-interval: expected a number, found '1s'"),
      (
        "log:\n  level: loud", 2,
        "log.level: expected one of trace, debug, info, notice, warning, error, found 'loud'"
      ),
      ("- communicator", 1, "expected a mapping, found a list"),
      ("host: a\nhost: b", 2, "host: the key is there twice, first in line 1"),
      ("host: &a b", 1, "anchors"),
      ("host: a\n\tlog: {}", 2, ""),
    ] as [(String, Int, String)])
  func values(_ text: String, _ line: Int, _ words: String) throws {
    let error = try error(text)
    #expect(error.mark.line == line)
    #expect(error.description.contains(words), "\(error)")
    #expect(error.description.hasPrefix("line \(line), column "))
  }

  @Test(
    "a misspelt key, with what it was perhaps meant to be",
    arguments: [
      ("hots: a", 1, "hots", "host"), ("state_directory: /a", 1, "state_directory", "state-directory"),
      ("comunicator: {}", 1, "comunicator", "communicator"), ("Hypervisor: {}", 1, "Hypervisor", "hypervisor"),
      ("pscom_handler: {}", 1, "pscom_handler", "pscom-handler"), ("default: {}", 1, "default", "defaults"),
      ("limit: {}", 1, "limit", "limits"), ("TLS: {ca-file: a}", 1, "TLS", "tls"),
      ("communicator:\n  hosts: a", 2, "communicator.hosts", "host"),
      ("communicator:\n  host: a\n  keep-alive: 10", 3, "communicator.keep-alive", "keepalive"),
      ("communicator:\n  user-name: a", 2, "communicator.user-name", "username"),
      ("communicator:\n  suscribe-topic: a", 2, "communicator.suscribe-topic", "subscribe-topic"),
      ("tls:\n  ca-file: a\n  cert-file: b", 3, "tls.cert-file", "key-file"),
      ("hypervisor:\n  url: a", 2, "hypervisor.url", "uri"),
      ("hypervisor:\n  start_timeout: 3", 2, "hypervisor.start_timeout", "start-timeout"),
      ("guest-agent:\n  vmname: a", 2, "guest-agent.vmname", "vm-name"),
      ("guest_agent: {}", 1, "guest_agent", "guest-agent"),
      ("capacity:\n  memroy: 3", 2, "capacity.memroy", "memory"),
      ("defaults:\n  retry-count: 3", 2, "defaults.retry-count", "retry-counter"),
      ("limits:\n  outgoing-migration: 3", 2, "limits.outgoing-migration", "outgoing-migrations"),
      ("log:\n  levle: info", 2, "log.levle", "level"),
    ] as [(String, Int, String, String)])
  func misspelt(_ text: String, _ line: Int, _ path: String, _ suggestion: String) throws {
    let error = try error(text)
    #expect(error == YAMLError(.unknownKey, "unknown key, did you mean '\(suggestion)'?", at: error.mark, path: path))
    #expect(error.mark.line == line)
  }

  @Test(
    "a key that resembles none of ours",
    arguments: [
      ("communicator:\n  quality-of-service: 1", "communicator.quality-of-service"),
      ("log:\n  file: /a", "log.file"), ("hypervisor:\n  flags: 7", "hypervisor.flags"),
    ])
  func strange(_ text: String, _ path: String) throws {
    let error = try error(text)
    #expect(error.reason == "unknown key")
    #expect(error.path == path)
  }

  @Test("the message names the file too")
  func file() throws {
    let folder = try TemporaryFolder()
    try folder.write("# mine\ncommunicator:\n  port: many\n", to: "migfra.conf")
    let failure = try #require(throws: ConfigurationFile.Failure.self) {
      try ConfigurationFile.load(folder.file("migfra.conf"))
    }
    #expect(
      failure.description
        == "configuration \(folder.file("migfra.conf")), line 3, column 9: communicator.port: expected an integer, "
        + "found 'many'")
  }

  @Test("a file that cannot be read is named, with the cause")
  func absentFile() throws {
    let folder = try TemporaryFolder()
    for path in [folder.file("absent.conf"), folder.path] {
      let failure = try #require(throws: ConfigurationFile.Failure.self) { try ConfigurationFile.load(path) }
      #expect(failure.description.hasPrefix("configuration \(path) cannot be read: "))
      #expect(failure.description.utf8.count > "configuration \(path) cannot be read: ".utf8.count)
    }
  }

  @Test("a device is a file too, and an empty one gives the defaults")
  func device() throws {
    let (configuration, source) = try ConfigurationFile.load("/dev/null")
    #expect(source == "/dev/null")
    #expect(configuration == Configuration(host: configuration.host))
  }

  @Test("a file that is right is read, with this machine's name in it")
  func goodFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("communicator:\n  id: c-<hostname>\n", to: "migfra.conf")
    let (configuration, source) = try ConfigurationFile.load(folder.file("migfra.conf"))
    #expect(source == folder.file("migfra.conf"))
    #expect(configuration.broker.clientID == "c-\(configuration.host)")
    #expect(!configuration.host.rawValue.isEmpty)
  }
}
