public import ClusterModel
import MigfraProtocol

/// An operation as it is kept on disk, so that the next incarnation goes on with it.
public enum KeptOperation: Sendable, Equatable, Codable {
  case evacuation(EvacuationMachine)
  case exchange(SwapMachine)
  case rearrangement(RearrangementMachine)
  /// A dry run that can be applied; it has been answered.
  case draft(EvacuationMachine)

  public var id: PlanID {
    switch self {
    case .evacuation(let evacuation), .draft(let evacuation): evacuation.id
    case .exchange(let exchange): exchange.id
    case .rearrangement(let rearrangement): rearrangement.id
    }
  }

  /// The journal's number for its task; nil: it owes nobody an answer.
  public var sequence: Int64? {
    switch self {
    case .evacuation(let evacuation): evacuation.arrival.sequence
    case .exchange(let exchange): exchange.arrival.sequence
    case .rearrangement(let rearrangement): rearrangement.arrival.sequence
    case .draft: nil
    }
  }

  /// The journal's numbers for all the tasks that it will answer.
  public var sequences: Set<Int64> {
    let cancels =
      switch self {
      case .evacuation(let evacuation): evacuation.cancels
      case .exchange(let exchange): exchange.cancels
      case .rearrangement(let rearrangement): rearrangement.cancels
      case .draft: [CancelRequest]()
      }
    return Set([sequence].compactMap { $0 } + cancels.map(\.arrival.sequence))
  }

  var revision: Int {
    switch self {
    case .evacuation(let evacuation), .draft(let evacuation): evacuation.revision
    case .exchange(let exchange): exchange.revision
    case .rearrangement(let rearrangement): rearrangement.revision
    }
  }
}

/// An operation, and when it was so: the next incarnation's clock begins anew.
public struct SavedOperation: Sendable, Equatable, Codable {
  public var operation: KeptOperation
  var uptime: Duration
  var unixTime: Double

  init(_ operation: KeptOperation, at now: Moment) {
    self.operation = operation
    uptime = now.uptime
    unixTime = now.unixTime
  }

  /// What its times are moved by on a clock that shows `now`.
  func shift(to now: Moment) -> Duration {
    now.uptime - uptime - .seconds(max(0, now.unixTime - unixTime))
  }
}
