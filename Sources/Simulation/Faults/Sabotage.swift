/// A rule broken on purpose in the simulated surroundings, to show that the simulation would find it broken.
public enum Sabotage: String, CaseIterable, Sendable {
  /// A migration's destination runs the machine before the source has let go of it.
  case runsSecondCopy
  /// A migration that fails takes the machine with it.
  case losesMachines
  /// A worker's journal forgets which jobs it has suspended.
  case forgetsJobs
  /// Processes are said to have closed their connections before they are asked.
  case answersForProcesses
  /// What is held is held for a second.
  case shortensLeases
  /// The coordinator's journal loses open tasks and operations.
  case losesTasks
  /// A worker's journal loses the answers that were given.
  case forgetsAnswers
  /// Hosts say that they have more memory than they have.
  case exaggeratesMemory
  /// Orders are diverted to a host that is being emptied.
  case divertsOrders
  /// Every host whose evacuation ends is called drained.
  case callsPartialDrained
  /// The coordinator's retries never come.
  case losesTimers
  /// The coordinator's journal keeps operations that have ended.
  case keepsOperations
  /// Saved images are never removed.
  case keepsImages
  /// Orders do not say which incarnation of the coordinator gives them, and the next one has another journal.
  case forgetsEpochs
  /// The coordinator believes hosts that contradict each other at once.
  case suspectsAtOnce

  /// The promise that is broken by it.
  public var promise: Promise {
    switch self {
    case .runsSecondCopy: .oneCopy
    case .losesMachines: .noneLost
    case .forgetsJobs: .jobsGoOn
    case .answersForProcesses: .closedConnections
    case .shortensLeases: .oneInterruption
    case .losesTasks: .answered
    case .forgetsAnswers: .oneAnswer
    case .exaggeratesMemory: .memory
    case .divertsOrders: .drainingIsNoTarget
    case .callsPartialDrained: .drainedIsEmpty
    case .losesTimers: .answered
    case .keepsOperations: .operationsEnd
    case .keepsImages: .noImageLeft
    case .forgetsEpochs: .newestCoordinator
    case .suspectsAtOnce: .strays
    }
  }
}
