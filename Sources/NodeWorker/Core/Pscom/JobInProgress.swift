import ClusterModel
import MigfraProtocol

/// A job's connections around one machine's migration, or for as long as they are held.
///
///     closing ──all have answered──▶ closed ──the machine has moved, or stays──▶ opening ──▶ (forgotten)
///        └──silence, a refusal, a cancel──────────────────────────────────────────▲
///
/// One that is held stays closed when a migration of its machine ends, until it is released or its lease has ended.
///
/// It is on disk from before the first process is asked until after the last was asked to go on, so that a worker that
/// is killed in between finds it at its next start.
struct JobInProgress: Sendable {
  enum Phase: Sendable, Equatable {
    case closing
    case closed
    case opening(then: AfterOpening)
  }

  /// What comes when the connections are open again.
  enum AfterOpening: Sendable, Equatable {
    /// It belongs to no operation: an earlier incarnation left it.
    case nothing
    case begin(OperationID)
    case finish(OperationID, OperationOutcome)
  }

  var session: PscomSession
  var phase: Phase
  /// Since when it has been in this phase.
  var since: Duration
  /// Of the phase's timer; an older one is stale.
  var generation = 0
  /// The operation that has begun its lease; a timer of an older one is stale.
  var leaseNumber = 0
  /// Whether those that did not confirm were asked to go on a second time.
  var isRepeated = false

  /// Whether it is kept closed beyond the operation that runs.
  var isHeld: Bool { phase == .closed && session.job.lease != nil }
}
