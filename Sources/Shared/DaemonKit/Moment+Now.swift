public import ClusterModel
import Foundation

/// The clocks of the real world, for shells.
public struct SystemClock: Sendable {
  private let start = ContinuousClock.now

  public init() {}

  public var now: Moment {
    Moment(uptime: ContinuousClock.now - start, unixTime: Date().timeIntervalSince1970)
  }

  /// Milliseconds since 1970: the least that the epoch of a new incarnation is.
  public var milliseconds: UInt64 { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }
}
