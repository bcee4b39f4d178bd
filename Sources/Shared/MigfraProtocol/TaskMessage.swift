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
    case holdJob = "hold job"
    case releaseJob = "release job"
    case migrateVM = "migrate vm"
    case evacuateNode = "evacuate node"
    case restoreNode = "restore node"
    case rearrangeVMs = "rearrange vms"
    case applyPlan = "apply plan"
    case cordonNode = "cordon node"
    case uncordonNode = "uncordon node"
    case cancel
    case pause
    case resume
    case quit

    /// Whether its answer says where the whole stands: it concerns a host or another task.
    public var concernsWhole: Bool {
      switch self {
      case .startVM, .stopVM, .suspendVM, .resumeVM, .repinVM, .holdJob, .releaseJob, .migrateVM, .quit: false
      case .evacuateNode, .restoreNode, .rearrangeVMs, .applyPlan, .cordonNode, .uncordonNode, .cancel, .pause,
        .resume:
        true
      }
    }

    /// The `result:` of its answer.
    public var title: TaskResult.Title {
      switch self {
      case .startVM: .vmStarted
      case .stopVM: .vmStopped
      case .suspendVM: .vmSuspended
      case .resumeVM: .vmResumed
      case .repinVM: .vmRepinned
      case .holdJob: .jobHeld
      case .releaseJob: .jobReleased
      case .migrateVM: .vmMigrated
      case .evacuateNode, .applyPlan: .nodeEvacuated
      case .restoreNode: .nodeRestored
      case .rearrangeVMs: .vmsRearranged
      case .cordonNode: .nodeCordoned
      case .uncordonNode: .nodeUncordoned
      case .cancel: .taskCancelled
      case .pause: .taskPaused
      case .resume: .taskResumed
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
    case hold(JobHold)
    case release(JobRelease)
    case migrate(VMMigration)
    case evacuate(NodeEvacuation)
    case restore(NodeRestore)
    case rearrange(VMRearrangement)
    /// A dry run, by its id.
    case apply(PlanID)
    case cordon(reason: String)
    case uncordon
    /// Another task, by its id.
    case cancel(TaskID)
    /// An operation, by the id of its task or its plan: begins nothing more until it is resumed.
    case pauseOperation(TaskID)
    case resumeOperation(TaskID)
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
  /// Who asks, in words that mean something to operators: a name, a scheduler and its job.
  public var requester: String?
  /// What for, in words.
  public var reason: String?
  /// libvirt's driver, where the task names one: a worker drives one only.
  public var driver: String?
  /// Keys that mean nothing here, in words.
  public var warnings: [String]

  public init(
    id: TaskID? = nil, host: HostName? = nil, body: Body, measuresTime: Bool = false, notAfter: Double? = nil,
    epoch: Epoch? = nil, requester: String? = nil, reason: String? = nil, driver: String? = nil,
    warnings: [String] = []
  ) {
    self.id = id
    self.host = host
    self.body = body
    self.measuresTime = measuresTime
    self.notAfter = notAfter
    self.epoch = epoch
    self.requester = requester
    self.reason = reason
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
    case .hold: .holdJob
    case .release: .releaseJob
    case .migrate: .migrateVM
    case .evacuate: .evacuateNode
    case .restore: .restoreNode
    case .rearrange: .rearrangeVMs
    case .apply: .applyPlan
    case .cordon: .cordonNode
    case .uncordon: .uncordonNode
    case .cancel: .cancel
    case .pauseOperation: .pause
    case .resumeOperation: .resume
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
    case .hold(let hold): [hold.vm]
    case .release(let release): [release.vm]
    case .migrate(let migration): [migration.vm]
    case .rearrange(let wish): wish.moves.map(\.vm)
    case .evacuate, .restore, .apply, .cordon, .uncordon, .cancel, .pauseOperation, .resumeOperation, .quit: []
    }
  }
}
