/// An operation with its plan and progress, retained on `fast/coordinator/plan/<id>`: what operators watch.
public struct PlanReport: Sendable, Equatable {
  /// What is being done.
  public enum Operation: Sendable, Equatable {
    /// Hosts are emptied.
    case evacuation(EvacuationRequest)
    /// Two machines change places.
    case exchange
    /// Machines go where they are wanted.
    case rearrangement
    /// Machines come back to the host.
    case restore(HostName)
    /// One machine goes to another host.
    case migration
  }

  /// Where an operation stands.
  public enum State: String, Sendable, Codable, CaseIterable {
    /// Only planned: a dry run. Final.
    case planned = "PLANNED"
    /// Machines leave the hosts that are to be emptied.
    case draining = "DRAINING"
    /// Machines move, for another purpose than to empty hosts.
    case running = "RUNNING"
    /// Nothing more is begun until it is resumed; what is under way comes to its end.
    case paused = "PAUSED"
    /// Nothing more is begun; what is under way comes to its end.
    case cancelling = "CANCELLING"
    /// Ended on request, before all was done. Final.
    case cancelled = "CANCELLED"
    /// The source's own report shows no active machine. Final.
    case drained = "DRAINED"
    /// Every machine is where it was wanted. Final.
    case done = "DONE"
    /// Ended with machines that are not where they were wanted. Final.
    case partial = "PARTIAL"
    /// Nothing was moved: not feasible, or refused. Final.
    case failed = "FAILED"

    public var isFinal: Bool {
      switch self {
      case .draining, .running, .paused, .cancelling: false
      case .planned, .cancelled, .drained, .done, .partial, .failed: true
      }
    }
  }

  /// One machine's way and how far it is.
  public struct Move: Sendable, Equatable {
    /// A part of a way that leads over storage; the whole way has none.
    public enum Stage: String, Sendable, Codable, CaseIterable {
      /// To storage.
      case save
      /// From storage to the destination.
      case restore
      /// From storage to where it was.
      case goHome = "go-home"
      /// From the destination to where it was.
      case back
    }

    public enum State: String, Sendable, CaseIterable {
      case waiting
      case moving
      /// Failed for the moment; will be tried again.
      case retrying
      case moved
      case failed

      public var isFinal: Bool { self == .moved || self == .failed }
    }

    public var move: Plan.Move
    public var stage: Stage?
    public var state: State
    /// Failed attempts so far.
    public var retries: Int
    /// The last cause of failure, in words.
    public var details: String?
    public var progress: MigrationProgress?
    /// How long the machine has been, or was, on its way.
    public var seconds: Double?

    public init(
      move: Plan.Move, stage: Stage? = nil, state: State, retries: Int = 0, details: String? = nil,
      progress: MigrationProgress? = nil, seconds: Double? = nil
    ) {
      self.move = move
      self.stage = stage
      self.state = state
      self.retries = retries
      self.details = details
      self.progress = progress
      self.seconds = seconds
    }
  }

  public var id: PlanID
  public var operation: Operation
  public var state: State
  /// Why it stands so, in words.
  public var reason: String
  /// The task that asked for it, if it had an id.
  public var task: TaskID?
  /// Who asked for it, and what for, if the task says so.
  public var requester: String?
  public var purpose: String?
  /// When it was asked for and when it ended, seconds since 1970; nil: not known, or not yet.
  public var began: Double?
  public var ended: Double?
  public var moves: [Move]
  public var unplaced: [Plan.Unplaced]
  public var loads: [Plan.HostLoad]
  /// Since the coordinator took the request, seconds.
  public var seconds: Double
  /// Until everything is moved, seconds; nil: not known yet, or at the end.
  public var remainingSeconds: Double?

  public init(
    id: PlanID, operation: Operation, state: State, reason: String = "", task: TaskID? = nil,
    moves: [Move] = [], unplaced: [Plan.Unplaced] = [], loads: [Plan.HostLoad] = [], seconds: Double = 0,
    remainingSeconds: Double? = nil
  ) {
    self.id = id
    self.operation = operation
    self.state = state
    self.reason = reason
    self.task = task
    self.moves = moves
    self.unplaced = unplaced
    self.loads = loads
    self.seconds = seconds
    self.remainingSeconds = remainingSeconds
  }

  /// What is emptied and how; nil: it is no evacuation.
  public var request: EvacuationRequest? {
    if case .evacuation(let request) = operation { request } else { nil }
  }
}

/// How far one running migration is; published by the source's worker.
public struct MigrationProgress: Sendable, Equatable {
  public enum Phase: String, Sendable, CaseIterable {
    /// The destination is asked and prepared.
    case preparing
    /// The connections of the job are being closed.
    case suspendingJob = "suspending-job"
    /// Memory is being copied.
    case copying
    /// The machine is being written to shared storage.
    case saving
    /// The machine is being read from shared storage at the destination.
    case restoring
    /// Both ends are asked where the machine runs.
    case verifying
  }

  public var vm: VMName
  public var task: TaskID?
  public var destination: HostName
  public var phase: Phase
  /// Bytes of memory to copy in all, as far as known.
  public var totalBytes: Int
  public var doneBytes: Int
  public var remainingBytes: Int
  /// Bytes per second copied lately.
  public var rate: Int
  /// Bytes per second that the guest makes dirty, if the hypervisor tells.
  public var dirtyRate: Int?
  /// Since the worker began with it.
  public var elapsedSeconds: Double
  /// Until the copy ends, if it will at this rate.
  public var remainingSeconds: Double?

  public init(
    vm: VMName, task: TaskID?, destination: HostName, phase: Phase, totalBytes: Int = 0, doneBytes: Int = 0,
    remainingBytes: Int = 0, rate: Int = 0, dirtyRate: Int? = nil, elapsedSeconds: Double = 0,
    remainingSeconds: Double? = nil
  ) {
    self.vm = vm
    self.task = task
    self.destination = destination
    self.phase = phase
    self.totalBytes = totalBytes
    self.doneBytes = doneBytes
    self.remainingBytes = remainingBytes
    self.rate = rate
    self.dirtyRate = dirtyRate
    self.elapsedSeconds = elapsedSeconds
    self.remainingSeconds = remainingSeconds
  }
}
