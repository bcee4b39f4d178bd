import MigfraProtocol

/// One process of a job as the agent knows it.
struct TrackedProcess: Sendable {
  typealias State = PscomProcessReport.State

  enum Phase: Sendable {
    /// Nothing is under way. Goes to `signalling`.
    case resting(State)
    /// The signal is being sent. Goes to `settling` if it was, else back to `resting`.
    case signalling(to: State)
    /// The signal was sent; the process closes or opens its connections, and nobody hears when it is done. Goes to
    /// `resting` when its time is over.
    case settling(State)
  }

  /// A request that waits for its turn.
  struct Waiting: Sendable {
    var request: PscomRequest
    /// The uptime from which on it is worth nothing to its sender.
    var deadline: Duration?
  }

  let identity: ProcessIdentity
  var signal: Int32
  var isSignalPending = false
  var phase: Phase
  /// It has not taken its signal within the settle time; it gets another when it has.
  var isOverdue = false
  var waiting: [Waiting] = []
  /// Signals that were sent, or tried, in this run.
  var round = 0
  /// What was last said of it; nil: nothing yet.
  var announced: State?

  /// What the process is, or will be when it is done with what is under way.
  var state: State {
    switch phase {
    case .resting(let state), .signalling(let state), .settling(let state): state
    }
  }

  /// The request that is being carried out.
  var underWay: PscomRequest? {
    if case .resting = phase { nil } else { PscomRequest(leadingTo: state) }
  }

  var isResting: Bool { underWay == nil }

  var recorded: AgentRecord.Process {
    let state: AgentRecord.State =
      switch phase {
      case .signalling(.suspended): .suspending
      case .signalling(.running): .resuming
      case .resting(.suspended), .settling(.suspended): .suspended
      case .resting(.running), .settling(.running): .running
      }
    return AgentRecord.Process(identity, state)
  }

  /// A process that has just been found runs: its program knows no other start.
  init(_ process: ObservedProcess) {
    identity = process.identity
    signal = process.signal
    isSignalPending = process.isSignalPending
    phase = .resting(.running)
  }

  /// A process of the agent's last run.
  ///
  /// If that was killed between its intent and the record of what became of it, the signal counts as sent. It may not
  /// have been, and nothing outside the process can tell; but the signal follows its intent at once, while the record
  /// comes after it by another write to the disk, so that nearly all of the time in which a crash leaves an intent lies
  /// behind the signal. To send it again would undo it.
  init(recalled process: AgentRecord.Process) {
    identity = process.identity
    // The first look tells; nothing is sent before.
    signal = 0
    phase =
      switch process.state {
      case .running, .resuming: .resting(.running)
      case .suspended, .suspending: .resting(.suspended)
      }
  }

  mutating func take(_ process: ObservedProcess) {
    signal = process.signal
    isSignalPending = process.isSignalPending
  }
}

extension PscomRequest {
  /// What a process is afterwards.
  var goal: PscomProcessReport.State {
    switch self {
    case .suspend: .suspended
    case .resume: .running
    }
  }

  init(leadingTo state: PscomProcessReport.State) {
    switch state {
    case .suspended: self = .suspend
    case .running: self = .resume
    }
  }
}
