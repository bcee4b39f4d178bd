public import ClusterModel

/// One request from the bus.
public struct TaskMessage: Sendable, Equatable {
  /// The value of `task:`.
  public enum Kind: String, Sendable, CaseIterable {
    case startVM = "start vm"
    case stopVM = "stop vm"
    case suspendVM = "suspend vm"
    case resumeVM = "resume vm"
    case repinVM = "repin vm"
    case migrateVM = "migrate vm"
    case evacuateNode = "evacuate node"
    case cordonNode = "cordon node"
    case uncordonNode = "uncordon node"
    case quit

    /// The `result:` of its answer.
    public var title: TaskResult.Title {
      switch self {
      case .startVM: .vmStarted
      case .stopVM: .vmStopped
      case .suspendVM: .vmSuspended
      case .resumeVM: .vmResumed
      case .repinVM: .vmRepinned
      case .migrateVM: .vmMigrated
      case .evacuateNode: .nodeEvacuated
      case .cordonNode: .nodeCordoned
      case .uncordonNode: .nodeUncordoned
      case .quit: .quit
      }
    }
  }

  /// What is asked, with exactly the fields of its kind.
  public enum Body: Sendable, Equatable {
    case start([VMStart])
    case stop([VMStop])
    case suspend([VMName])
    case resume([VMName])
    case repin([VMRepin])
    case migrate(VMMigration)
    case evacuate(NodeEvacuation)
    case cordon(reason: String)
    case uncordon
    /// The reference ends its daemon so; ours refuses.
    case quit
  }

  /// Chosen by the sender, returned with the answer; nil: the sender counts answers instead.
  public var id: TaskID?
  /// The host that the sender means, if it says so.
  public var host: HostName?
  public var body: Body
  /// Whether the answer tells how long each phase took.
  public var measuresTime: Bool
  /// Past this moment the task is answered `expired`, seconds since 1970.
  public var notAfter: Double?
  /// Keys that mean nothing here, in words.
  public var warnings: [String]
  /// Options that are asked for and cannot be had: the task is refused.
  public var unavailableOptions: [String]

  public init(
    id: TaskID? = nil, host: HostName? = nil, body: Body, measuresTime: Bool = false, notAfter: Double? = nil,
    warnings: [String] = [], unavailableOptions: [String] = []
  ) {
    self.id = id
    self.host = host
    self.body = body
    self.measuresTime = measuresTime
    self.notAfter = notAfter
    self.warnings = warnings
    self.unavailableOptions = unavailableOptions
  }

  public var kind: Kind {
    switch body {
    case .start: .startVM
    case .stop: .stopVM
    case .suspend: .suspendVM
    case .resume: .resumeVM
    case .repin: .repinVM
    case .migrate: .migrateVM
    case .evacuate: .evacuateNode
    case .cordon: .cordonNode
    case .uncordon: .uncordonNode
    case .quit: .quit
    }
  }

  /// The machines that the task names, for an answer that concerns them all.
  public var vms: [VMName] {
    switch body {
    case .start(let entries): entries.map { $0.name ?? "unknown" }
    case .stop(let entries): entries.map(\.vm)
    case .suspend(let names), .resume(let names): names
    case .repin(let entries): entries.map(\.vm)
    case .migrate(let migration): [migration.vm]
    case .evacuate, .cordon, .uncordon, .quit: []
    }
  }
}

/// One entry of `start vm`.
public struct VMStart: Sendable, Equatable {
  /// What is to be started.
  public enum Source: Sendable, Equatable {
    /// A machine that the host knows by name.
    case defined(VMName)
    /// libvirt's domain XML; a transient machine is forgotten when it stops.
    case xml(String, isTransient: Bool)
  }

  public var source: Source
  /// The name that the task gives; an XML's own name is what counts.
  public var name: VMName?
  /// Memory now and at most, KiB; nil: as defined.
  public var memoryKiB: Int?
  /// Virtual CPUs now and at most; nil: as defined.
  public var vcpus: Int?
  /// Whether "started" means that port 22 answers with an SSH banner.
  public var awaitsSSH: Bool
  /// Where the banner is awaited; nil: the machine's name.
  public var probeHostname: String?

  public init(
    source: Source, name: VMName? = nil, memoryKiB: Int? = nil, vcpus: Int? = nil, awaitsSSH: Bool = true,
    probeHostname: String? = nil
  ) {
    self.source = source
    self.name = name
    self.memoryKiB = memoryKiB
    self.vcpus = vcpus
    self.awaitsSSH = awaitsSSH
    self.probeHostname = probeHostname
  }
}

/// One entry of `stop vm`.
public struct VMStop: Sendable, Equatable {
  /// The machine; with a pattern, the pattern's text.
  public var vm: VMName
  /// Every active machine whose whole name this describes, instead of one.
  public var pattern: NamePattern?
  /// Power off instead of asking the guest.
  public var isForced: Bool
  /// Also forget the definition.
  public var undefines: Bool

  public init(vm: VMName, isForced: Bool = false, undefines: Bool = false) {
    self.vm = vm
    pattern = nil
    self.isForced = isForced
    self.undefines = undefines
  }

  public init(matching pattern: NamePattern, isForced: Bool = false, undefines: Bool = false) {
    self.init(vm: VMName(rawValue: pattern.description), isForced: isForced, undefines: undefines)
    self.pattern = pattern
  }
}

/// One entry of `repin vm`: which of the host's CPUs each virtual CPU may run on.
public struct VMRepin: Sendable, Equatable {
  public var vm: VMName
  public var map: VCPUMap

  public init(vm: VMName, map: VCPUMap) {
    self.vm = vm
    self.map = map
  }
}

/// Sets of the host's CPUs: element 0 is for virtual CPU 0.
public typealias VCPUMap = [[Int]]

/// `migrate vm`.
public struct VMMigration: Sendable, Equatable {
  public var vm: VMName
  public var destination: HostName
  /// nil: the worker's default.
  public var type: MigrationType?
  /// Attempts after the first; nil: the worker's default.
  public var retries: Int?
  public var tuning: MigrationTuning

  public init(
    vm: VMName, destination: HostName, type: MigrationType? = nil, retries: Int? = nil,
    tuning: MigrationTuning = MigrationTuning()
  ) {
    self.vm = vm
    self.destination = destination
    self.type = type
    self.retries = retries
    self.tuning = tuning
  }
}

/// `evacuate node`; what the sender leaves open is filled in from the coordinator's defaults.
public struct NodeEvacuation: Sendable, Equatable {
  public var destinations: [HostName]
  public var mode: PlacementMode?
  public var migrationType: MigrationType?
  public var overbooking: Bool?
  public var retries: Int?
  public var bestEffort: Bool?
  /// Only plan.
  public var isDryRun: Bool

  public init(
    destinations: [HostName] = [], mode: PlacementMode? = nil, migrationType: MigrationType? = nil,
    overbooking: Bool? = nil, retries: Int? = nil, bestEffort: Bool? = nil, isDryRun: Bool = false
  ) {
    self.destinations = destinations
    self.mode = mode
    self.migrationType = migrationType
    self.overbooking = overbooking
    self.retries = retries
    self.bestEffort = bestEffort
    self.isDryRun = isDryRun
  }
}
