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
    case cancel
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
      case .cancel: .taskCancelled
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
    /// Another task, by its id.
    case cancel(TaskID)
    /// The reference ends its daemon so; ours only where the configuration allows it.
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
  /// Of the coordinator that gives this order; nil: it comes from somebody else.
  public var epoch: Epoch?
  /// libvirt's driver, where the task names one: a worker drives one only.
  public var driver: String?
  /// Keys that mean nothing here, in words.
  public var warnings: [String]

  public init(
    id: TaskID? = nil, host: HostName? = nil, body: Body, measuresTime: Bool = false, notAfter: Double? = nil,
    epoch: Epoch? = nil, driver: String? = nil, warnings: [String] = []
  ) {
    self.id = id
    self.host = host
    self.body = body
    self.measuresTime = measuresTime
    self.notAfter = notAfter
    self.epoch = epoch
    self.driver = driver
    self.warnings = warnings
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
    case .cancel: .cancel
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
    case .evacuate, .cordon, .uncordon, .cancel, .quit: []
    }
  }
}
