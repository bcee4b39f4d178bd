public import ClusterModel
public import MigfraProtocol

/// What the programs read from their configuration file; each uses its part.
///
/// The reference's `migfra.conf` works as it is; `docs/configuration.md` lists every key.
public struct Configuration: Sendable, Equatable {
  /// This machine's name in topics and URIs.
  public var host: HostName
  public var broker: BrokerSettings
  public var hypervisor: HypervisorSettings
  public var pscom: PscomSettings
  public var guestAgent: GuestAgentSettings
  public var capacity: CapacitySettings
  public var defaults: DefaultSettings
  public var limits: LimitSettings
  public var migration: MigrationPolicySettings
  /// Whether the task `quit` ends the worker.
  public var mayQuit: Bool
  /// How results are written.
  public var dialect: ResultDialect
  /// Where journals live.
  public var stateDirectory: String
  public var logLevel: LogLevel

  public init(host: HostName) {
    self.host = host
    broker = BrokerSettings()
    hypervisor = HypervisorSettings()
    pscom = PscomSettings()
    guestAgent = GuestAgentSettings()
    capacity = CapacitySettings()
    defaults = DefaultSettings()
    limits = LimitSettings()
    migration = MigrationPolicySettings()
    mayQuit = false
    dialect = .seed
    stateDirectory = "/var/lib/migfra"
    logLevel = .info
  }

  /// The name in topics of the virtual machine that a guest agent runs in.
  public var vm: VMName { guestAgent.vm ?? VMName(rawValue: host.rawValue) }
}

extension Configuration {
  /// Where the worker's answers go that nobody wants elsewhere.
  public var resultTopic: String { broker.resultTopic ?? Topics.result(host) }
}

/// `log.level`.
public enum LogLevel: String, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error
}

/// `communicator` and `tls`.
public struct BrokerSettings: Sendable, Equatable {
  public var host = "localhost"
  /// nil: 1883, or 8883 with TLS.
  public var port: Int?
  /// The client id; nil: made from the program and the host.
  public var clientID: String?
  /// The worker's own; nil: the protocol's.
  public var taskTopic: String?
  public var resultTopic: String?
  public var keepAlive = Duration.seconds(10)
  public var username: String?
  public var password: String?
  public var tls: TLSSettings?

  public init() {}
}

/// `tls`: certificates for the broker's connection.
public struct TLSSettings: Sendable, Equatable {
  public var caFile: String
  public var certificateFile: String?
  public var keyFile: String?

  public init(caFile: String, certificateFile: String? = nil, keyFile: String? = nil) {
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// `hypervisor`.
public struct HypervisorSettings: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case libvirt
    /// Simulated machines in a directory that the simulated hosts share.
    case dummy
  }

  public var kind = Kind.libvirt
  /// libvirt's URI of this host; nil: `<driver>:///system`.
  public var uri: String?
  public var driver = "qemu"
  /// Between hosts: ssh, tcp, tls, or unix for tests.
  public var transport = "ssh"
  /// Whether the memory travels over TLS too.
  public var encryptsMemory = false
  public var startTimeout = Duration.seconds(60)
  public var stopTimeout = Duration.seconds(60)
  /// Where the simulated hosts keep their machines; nil: in the worker's state directory.
  public var clusterDirectory: String?
  /// What all hosts see at the same path: for offline migration; nil: there is none.
  public var sharedDirectory: String?
  /// Hosts on the fast network; `<host>` stands for the usual name.
  public var rdmaHost = "<host>-ib"
  /// Those that do not follow the pattern.
  public var rdmaHosts: [HostName: String] = [:]

  public init() {}

  /// libvirt's URI of this host.
  public var localURI: String { uri ?? "\(driver):///system" }

  /// libvirt's URI of another host, as this host's libvirtd is to reach it.
  public func uri(of host: HostName, transport: LibvirtTransport? = nil) -> String {
    "\(driver)+\(transport?.rawValue ?? self.transport)://\(host)/system"
  }
}

/// `pscom-handler`: how the processes of jobs are spoken to.
public struct PscomSettings: Sendable, Equatable {
  public var requestTopic = "fast/pscom/<vm-name>/<process>/request"
  public var responseTopic = "fast/pscom/<vm-name>/<process>/response"
  public var quality = 1
  public var form = PscomForm.seed
  /// For all processes of a job to answer.
  public var timeout = Duration.seconds(10)

  public init() {}

  public var topics: PscomTopics { PscomTopics(request: requestTopic, response: responseTopic) }
}

/// `migration`: what is done about migrations that do not go well.
public struct MigrationPolicySettings: Sendable, Equatable {
  public var nonConvergence = NonConvergence.wait
  /// After so long without a byte a migration is given up.
  public var stallTimeout = Duration.seconds(30)

  public init() {}
}

/// `guest-agent`: the processes of jobs inside a virtual machine.
public struct GuestAgentSettings: Sendable, Equatable {
  /// The machine's name in topics; nil: this machine's.
  public var vm: VMName?
  /// Between two looks at the process table.
  public var scanInterval = Duration.seconds(1)
  /// What a process gets to close or open its connections before it is taken to have done so.
  public var settleTime = Duration.seconds(1)
  /// The signal to send; nil: each process's environment says.
  public var signal: Int32?
  /// Programs whose processes are never signalled, by the names of their files: shells and launchers hand the variable
  /// on, and some of them catch every signal only to die of it in good order.
  public var ignoredPrograms = [
    "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh", "hydra_pmi_proxy", "mpiexec",
    "mpiexec.hydra", "mpirun", "orterun", "prterun", "psilogger", "srun",
  ]

  public init() {}
}

/// `capacity`: what the host offers, where the hypervisor's word shall not count.
public struct CapacitySettings: Sendable, Equatable {
  /// nil: the machine's.
  public var memoryKiB: Int?
  /// nil: the machine's.
  public var cpus: Int?
  /// Kept back for the host itself.
  public var reservedMemoryKiB = 512 * 1024
  /// Of the network that machines migrate over, MiB/s; nil: not known.
  public var bandwidthMiB: Int?
  /// Hosts of one rack fail together.
  public var rack: String?
  /// What machines may require of their host.
  public var labels: [String] = []

  public init() {}

  /// What is left for guests of a machine of this size.
  public func applied(to machine: HostCapacity) -> HostCapacity {
    HostCapacity(
      memoryKiB: memoryKiB ?? max(0, machine.memoryKiB - reservedMemoryKiB), cpus: cpus ?? machine.cpus,
      bandwidthMiB: bandwidthMiB, rack: rack, labels: labels)
  }
}

/// `defaults`: for what a task leaves open.
public struct DefaultSettings: Sendable, Equatable {
  public var migrationType = MigrationType.live
  public var mode = PlacementMode.auto
  public var overbooking = false
  public var retries = 3

  public init() {}
}

/// `limits`: how much happens at once.
public struct LimitSettings: Sendable, Equatable {
  /// In the whole cluster; nil: no limit.
  public var migrations: Int?
  /// Out of one host. Bounded well below half of libvirtd's workers (20 by default): hosts that migrate into each
  /// other deadlock in libvirtd otherwise.
  public var outgoingMigrations: Int?
  public var incomingMigrations: Int?
  /// Percent of what a migration could use that must be free on the links of both ends for it to begin; 0: links hold
  /// none back.
  public var linkShare = 25
  /// Of hosts whose workers do not say, MiB/s; nil: not known.
  public var bandwidthMiB: Int?
  public var parallelStarts = 4
  public var progressInterval = Duration.seconds(1)

  public init() {}

  /// The most that the configuration may ask for.
  public static let mostMigrations = 8
}
