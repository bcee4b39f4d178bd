public import ClusterModel

/// The one final answer to a task.
public struct TaskResult: Sendable, Equatable {
  /// The value of `result:`.
  public enum Title: String, Sendable, CaseIterable {
    case vmStarted = "vm started"
    case vmStopped = "vm stopped"
    case vmSuspended = "vm suspended"
    case vmResumed = "vm resumed"
    case vmRepinned = "vm repinned"
    case jobHeld = "job held"
    case jobReleased = "job released"
    case vmMigrated = "vm migrated"
    case nodeEvacuated = "node evacuated"
    case nodeRestored = "node restored"
    case vmsRearranged = "vms rearranged"
    case nodeCordoned = "node cordoned"
    case nodeUncordoned = "node uncordoned"
    case taskCancelled = "task cancelled"
    case taskPaused = "task paused"
    case taskResumed = "task resumed"
    case quit
    /// The task could not be read.
    case unknown

    /// Whether the one machine's fields stand at the top level instead of in `list`.
    public var isFlat: Bool { self == .vmMigrated || self == .vmRepinned }
  }

  /// Where the whole stands; only in answers that concern a host or a task.
  public enum Status: String, Sendable, CaseIterable {
    case success
    case partial
    case infeasible
    case error
  }

  public var title: Title
  public var id: TaskID?
  /// Who answers: a host's name, or `global` for the coordinator.
  public var scheduler: String?
  public var entries: [VMOutcome]
  public var status: Status?
  public var details: String?
  public var code: ErrorCode?
  /// The plan that was made for the task.
  public var plan: PlanID?
  /// Of the newest coordinator that is known, if that is why the task was refused.
  public var epoch: Epoch?
  public var times: [TimeMeasurement]

  public init(
    title: Title, id: TaskID?, scheduler: String? = nil, entries: [VMOutcome] = [], status: Status? = nil,
    details: String? = nil, code: ErrorCode? = nil, plan: PlanID? = nil, times: [TimeMeasurement] = []
  ) {
    self.title = title
    self.id = id
    self.scheduler = scheduler
    self.entries = entries
    self.status = status
    self.details = details
    self.code = code
    self.plan = plan
    self.epoch = nil
    self.times = times
  }

  /// The answer to a task that is refused as a whole: an error for each machine that it names.
  public static func refusal(
    of task: TaskMessage, scheduler: String? = nil, code: ErrorCode, details: String
  ) -> TaskResult {
    let entries = task.vms.map { VMOutcome(vm: $0, failure: code, details: details) }
    let concernsHost = task.kind.concernsWhole
    return TaskResult(
      title: task.kind.title, id: task.id, scheduler: scheduler,
      entries: entries.isEmpty && !concernsHost
        ? [VMOutcome(vm: "unknown", failure: code, details: details)] : entries,
      status: concernsHost ? .error : nil, details: concernsHost ? details : nil,
      code: concernsHost ? code : nil)
  }

  /// The answer to a message that is no task: as the seed's daemon gives it, and with the id if it could be read.
  public static func unreadable(id: TaskID?, code: ErrorCode, details: String) -> TaskResult {
    TaskResult(title: .unknown, id: id, entries: [VMOutcome(vm: "unknown", failure: code, details: details)])
  }
}

/// What became of one machine.
public struct VMOutcome: Sendable, Equatable {
  public var vm: VMName
  public var isSuccess: Bool
  /// Retries on a successful migration, the cause on an error.
  public var details: String?
  public var code: ErrorCode?
  /// The machine's process after the operation, on the host where it then runs.
  public var processID: Int?
  public var times: [TimeMeasurement]

  public init(vm: VMName, details: String? = nil, processID: Int? = nil, times: [TimeMeasurement] = []) {
    self.vm = vm
    self.isSuccess = true
    self.details = details
    self.code = nil
    self.processID = processID
    self.times = times
  }

  public init(vm: VMName, failure code: ErrorCode, details: String, times: [TimeMeasurement] = []) {
    self.vm = vm
    self.isSuccess = false
    self.details = details
    self.code = code
    self.processID = nil
    self.times = times
  }
}

/// How long one phase took.
public struct TimeMeasurement: Sendable, Equatable, Codable {
  public var tag: String
  public var seconds: Double

  public init(_ tag: String, seconds: Double) {
    self.tag = tag
    self.seconds = seconds
  }
}
