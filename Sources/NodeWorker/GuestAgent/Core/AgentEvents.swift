public import ClusterModel
public import MigfraProtocol

/// What the agent is told.
public enum AgentEvent: Sendable {
  /// The bus's connection stands: everybody shall know, also a broker that remembers nothing.
  case busConnected
  /// The processes that can be suspended, all of them. Best told right before a request or a timer.
  case processesObserved([ObservedProcess])
  /// - Parameters:
  ///   - process: the topic's: a number, or `PscomTopics.everyProcess`.
  ///   - expiry: how long the request is still worth something to its sender; nil: for ever.
  case requested(PscomRequest, process: String, expiry: Duration?)
  /// What became of the signals that were wanted.
  case signalled([Signalled])
  case timerFired(AgentTimer)
  /// The broker has taken an announcement back.
  case withdrawn(AgentRecord.Announcement)
}

/// What the agent wants done, in this order.
public enum AgentEffect: Sendable, Equatable {
  /// On disk before what follows is done.
  case save(AgentRecord)
  /// The record on disk, and only if that has worked the signals, at once; then the core is told what became of each.
  case signal([Toggle], intent: AgentRecord)
  case announce(AgentRecord.Announcement, PscomProcessReport)
  /// Takes the announcement back, and tells the core when the broker has.
  case withdraw(AgentRecord.Announcement)
  /// On the process's own response topic.
  case answer(process: String, PscomAnswer)
  case setTimer(AgentTimer, after: Duration)
  case note(Note)
}

/// A signal for one process, which is to be looked at once more before it is sent.
public struct Toggle: Sendable, Hashable {
  public var process: ProcessIdentity
  public var signal: Int32

  public init(_ process: ProcessIdentity, signal: Int32) {
    self.process = process
    self.signal = signal
  }
}

/// What became of one signal.
public struct Signalled: Sendable, Equatable {
  public enum Outcome: Sendable, Equatable {
    case sent
    /// The process has ended, or would be killed by the signal now.
    case gone
    /// Nothing was sent, for this reason.
    case refused(String)
  }

  public var process: ProcessIdentity
  public var outcome: Outcome

  public init(_ process: ProcessIdentity, _ outcome: Outcome) {
    self.process = process
    self.outcome = outcome
  }
}

/// A process has had its time to close or open its connections. One that is not the latest changes nothing.
public struct AgentTimer: Sendable, Hashable {
  public var process: ProcessIdentity
  /// Counts the process's toggles in this run of the agent.
  public var round: Int

  public init(_ process: ProcessIdentity, round: Int) {
    self.process = process
    self.round = round
  }
}
