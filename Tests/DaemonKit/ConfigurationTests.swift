import ClusterModel
import DaemonKit
import MigfraProtocol
import Testing
import YAML

@Suite("Configuration")
struct ConfigurationTests {
  private func parse(_ text: String, hostname: HostName = "node7") throws -> Configuration {
    try Configuration.parse(Array(text.utf8), hostname: hostname)
  }

  /// In the form of the C++ migration-framework's file.
  static let ofReference = """
    ---
    communicator:
      type: mqtt
      id: fast-migfra-<hostname>
      subscribe-topic: fast/migfra/<hostname>/task
      publish-topic: fast/migfra/<hostname>/result
      host: broker.cluster
      port: 1883
      keepalive: 60
    hypervisor:
      type: libvirt
      nodes:
        - node1
        - node2
      driver: qemu
      transport: ssh
      start-timeout: 120
      stop-timeout: 90
    pscom-handler:
      request-topic: fast/pscom/<vm-name>/any_proc/request
      response-topic: fast/pscom/<vm-name>/+/response
      qos: 1
    ...
    """

  @Test("the C++ migration-framework's file works as it is")
  func reference() throws {
    var wanted = Configuration(host: "node7")
    wanted.broker.host = "broker.cluster"
    wanted.broker.port = 1883
    wanted.broker.clientID = "fast-migfra-node7"
    wanted.broker.taskTopic = "fast/migfra/node7/task"
    wanted.broker.resultTopic = "fast/migfra/node7/result"
    wanted.broker.keepAlive = .seconds(60)
    wanted.hypervisor.startTimeout = .seconds(120)
    wanted.hypervisor.stopTimeout = .seconds(90)
    wanted.pscom.requestTopic = "fast/pscom/<vm-name>/any_proc/request"
    wanted.pscom.responseTopic = "fast/pscom/<vm-name>/+/response"
    wanted.pscom.quality = 1
    #expect(try parse(Self.ofReference) == wanted)
  }

  @Test("its dummy hypervisor is ours, in the state directory")
  func referenceDummy() throws {
    let read = try parse("hypervisor:\n  type: dummy\n  never-throw: true\n")
    #expect(read.hypervisor.kind == .dummy)
    #expect(read.hypervisor.clusterDirectory == nil)
    #expect(read.summary(source: "x").contains("dummy, machines in /var/lib/migfra/cluster"))
  }

  /// Every key, each with another value than its default.
  static let complete = """
    host: n1-<hostname>
    state-directory: /srv/<hostname>/migfra
    allow-quit: true
    dialect: reference
    communicator:
      type: mqtt
      id: worker-of-<hostname>
      subscribe-topic: tasks/<hostname>
      publish-topic: results/<hostname>
      host: "2001:db8::1"
      port: 8884
      keepalive: 30
      username: migfra
      password: "<hostname>:secret"
    tls:
      ca-file: /etc/ca.pem
      certificate-file: /etc/<hostname>.pem
      key-file: /etc/<hostname>.key
    hypervisor:
      type: dummy
      uri: test:///default
      driver: xen
      transport: tcp
      migration-tls: true
      start-timeout: 5
      stop-timeout: 6
      cluster-directory: /tmp/cluster
      shared-directory: /srv/shared
      rdma-host: ib-<host>
      rdma-hosts: {node2: fast2}
      nodes: [a, b]
      never-throw: true
    pscom-handler:
      request-topic: jobs/<vm-name>/<process>/ask
      response-topic: jobs/<vm-name>/<process>/say
      qos: 2
      payload: reference
      timeout: 3
    guest-agent:
      vm-name: guest-of-<hostname>
      scan-interval: 0.25
      settle-time: 0
      signal: 10
      ignore: [ash]
    capacity:
      memory: 1048576
      cpus: 0x10
      reserved-memory: 0
      bandwidth: 1192
      rack: r7
      labels: [gen2, ib]
    defaults:
      migration-type: warm
      mode: scatter
      overbooking: yes
      retry-counter: 0
    limits:
      migrations: 40
      link-share: 0
      bandwidth: 119
      outgoing-migrations: 1
      incoming-migrations: 8
      parallel-starts: 64
      progress-interval: 0.5
    migration:
      non-convergence: post-copy
      stall-timeout: 60
    log:
      level: trace
    """

  @Test("every key is read")
  func allKeys() throws {
    var wanted = Configuration(host: "n1-node7")
    wanted.stateDirectory = "/srv/node7/migfra"
    wanted.broker.host = "2001:db8::1"
    wanted.broker.port = 8884
    wanted.broker.clientID = "worker-of-node7"
    wanted.broker.taskTopic = "tasks/node7"
    wanted.broker.resultTopic = "results/node7"
    wanted.broker.keepAlive = .seconds(30)
    wanted.broker.username = "migfra"
    wanted.broker.password = "node7:secret"
    wanted.broker.tls = TLSSettings(
      caFile: "/etc/ca.pem", certificateFile: "/etc/node7.pem", keyFile: "/etc/node7.key")
    wanted.hypervisor.kind = .dummy
    wanted.hypervisor.uri = "test:///default"
    wanted.hypervisor.driver = "xen"
    wanted.hypervisor.sharedDirectory = "/srv/shared"
    wanted.hypervisor.rdmaHost = "ib-<host>"
    wanted.hypervisor.rdmaHosts = ["node2": "fast2"]
    wanted.mayQuit = true
    wanted.dialect = .reference
    wanted.pscom.form = .reference
    wanted.pscom.timeout = .seconds(3)
    wanted.migration.nonConvergence = .postCopy
    wanted.migration.stallTimeout = .seconds(60)
    wanted.hypervisor.transport = "tcp"
    wanted.hypervisor.encryptsMemory = true
    wanted.hypervisor.startTimeout = .seconds(5)
    wanted.hypervisor.stopTimeout = .seconds(6)
    wanted.hypervisor.clusterDirectory = "/tmp/cluster"
    wanted.pscom.requestTopic = "jobs/<vm-name>/<process>/ask"
    wanted.pscom.responseTopic = "jobs/<vm-name>/<process>/say"
    wanted.pscom.quality = 2
    wanted.guestAgent.vm = "guest-of-node7"
    wanted.guestAgent.scanInterval = .milliseconds(250)
    wanted.guestAgent.settleTime = .zero
    wanted.guestAgent.signal = 10
    wanted.guestAgent.ignoredPrograms = ["ash"]
    wanted.capacity.memoryKiB = 1_048_576
    wanted.capacity.cpus = 16
    wanted.capacity.reservedMemoryKiB = 0
    wanted.capacity.bandwidthMiB = 1192
    wanted.capacity.rack = "r7"
    wanted.capacity.labels = ["gen2", "ib"]
    wanted.defaults.migrationType = .warm
    wanted.defaults.mode = .scatter
    wanted.defaults.overbooking = true
    wanted.defaults.retries = 0
    wanted.limits.migrations = 40
    wanted.limits.linkShare = 0
    wanted.limits.bandwidthMiB = 119
    wanted.limits.outgoingMigrations = 1
    wanted.limits.incomingMigrations = 8
    wanted.limits.parallelStarts = 64
    wanted.limits.progressInterval = .milliseconds(500)
    wanted.logLevel = .trace
    let read = try parse(Self.complete)
    #expect(read == wanted)
    #expect(try parse(Self.complete.split(separator: "\n").joined(separator: "\r\n")) == wanted)
  }

  @Test(
    "a file that says nothing gives the defaults",
    arguments: [
      "", "---\n", "# nothing\n", "{}", "~", "communicator:\nhypervisor: ~\nlog: {}\n", "communicator: {host: ~}",
      "capacity: {memory: null}\nlimits:\n  outgoing-migrations:\n",
    ])
  func empty(_ text: String) throws {
    #expect(try parse(text) == Configuration(host: "node7"))
  }

  @Test("the defaults are those of the documentation")
  func defaults() throws {
    let defaults = Configuration(host: "node7")
    #expect(defaults.stateDirectory == "/var/lib/migfra")
    #expect(defaults.logLevel == .info)
    #expect(defaults.broker.location == "localhost:1883")
    #expect(defaults.broker.keepAlive == .seconds(10))
    #expect(defaults.broker.clientID == nil)
    #expect(defaults.hypervisor.kind == .libvirt)
    #expect(defaults.hypervisor.localURI == "qemu:///system")
    #expect(defaults.hypervisor.uri(of: "node2") == "qemu+ssh://node2/system")
    #expect(defaults.hypervisor.startTimeout == .seconds(60))
    #expect(defaults.hypervisor.stopTimeout == .seconds(60))
    #expect(defaults.vm == "node7")
    #expect(defaults.guestAgent.scanInterval == .seconds(1))
    #expect(defaults.guestAgent.settleTime == .seconds(1))
    #expect(defaults.guestAgent.signal == nil)
    #expect(defaults.guestAgent.ignoredPrograms.contains("bash"))
    #expect(defaults.capacity.reservedMemoryKiB == 524_288)
    #expect(defaults.defaults.migrationType == .live)
    #expect(defaults.defaults.mode == .auto)
    #expect(!defaults.defaults.overbooking)
    #expect(defaults.defaults.retries == 3)
    #expect(defaults.limits.outgoingMigrations == nil)
    #expect(defaults.limits.incomingMigrations == nil)
    #expect(defaults.limits.migrations == nil && defaults.limits.bandwidthMiB == nil)
    #expect(defaults.limits.linkShare == 25)
    #expect(defaults.limits.parallelStarts == 4)
    #expect(defaults.limits.progressInterval == .seconds(1))
  }

  @Test(
    "the broker's port is the usual one of its protocol",
    arguments: [
      ("", "localhost:1883"), ("tls: {ca-file: a}", "localhost:8883"),
      ("communicator: {host: b, port: 1}\ntls: {ca-file: a}", "b:1"),
      ("tls: {ca-file: a}\ncommunicator: {host: b}", "b:8883"),
    ])
  func ports(_ text: String, _ location: String) throws {
    #expect(try parse(text).broker.location == location)
  }

  @Test(
    "what is left for guests is the machine's, less what is kept back, or what the file says",
    arguments: [
      ("", 3_670_016, 8), ("capacity: {reserved-memory: 0}", 4_194_304, 8),
      ("capacity: {reserved-memory: 9000000}", 0, 8), ("capacity: {memory: 1000, reserved-memory: 500}", 1000, 8),
      ("capacity: {cpus: 2}", 3_670_016, 2),
    ] as [(String, Int, Int)])
  func capacity(_ text: String, _ memory: Int, _ cpus: Int) throws {
    let machine = HostCapacity(memoryKiB: 4_194_304, cpus: 8)
    #expect(try parse(text).capacity.applied(to: machine) == HostCapacity(memoryKiB: memory, cpus: cpus))
  }

  @Test("what the machine cannot know of itself is reported as it is configured")
  func placement() throws {
    let capacity = try parse("capacity: {bandwidth: 100, rack: r1, labels: [a]}").capacity
    let offered = capacity.applied(to: HostCapacity(memoryKiB: 4_194_304, cpus: 8))
    #expect(
      offered == HostCapacity(memoryKiB: 3_670_016, cpus: 8, bandwidthMiB: 100, rack: "r1", labels: ["a"]))
  }

  @Test("a configuration tells in a few lines what it means, and keeps its password to itself")
  func summary() throws {
    let summary = try parse(Self.complete).summary(source: "/etc/migfra.conf")
    #expect(
      summary == """
        /etc/migfra.conf: valid
          host             n1-node7
          broker           2001:db8::1:8884 with TLS
          hypervisor       dummy, machines in /tmp/cluster
          state-directory  /srv/node7/migfra
          defaults         migration-type warm, mode scatter, overbooking true, retry-counter 0
        """)
    #expect(
      try parse("hypervisor: {transport: tls}").summary(source: "x").contains(
        "libvirt at qemu:///system, peers at qemu+tls://<host>/system"))
  }
  @Test("a guest agent tells what the file means to it")
  func guestAgentSummary() throws {
    #expect(
      try parse(Self.complete).guestAgentSummary(source: "/etc/migfra.conf") == """
        /etc/migfra.conf: valid
          vm-name          guest-of-node7
          broker           2001:db8::1:8884 with TLS
          state-directory  /srv/node7/migfra
          signal           10
          scan-interval    0.3 s
          settle-time      0 s
        """)
    #expect(try parse("").guestAgentSummary(source: "x").contains("signal           each process's PSP_SIGSUSPEND"))
  }
}
