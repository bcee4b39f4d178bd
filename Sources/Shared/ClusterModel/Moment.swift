/// The time that a core is told with each event: cores read no clock.
public struct Moment: Sendable, Equatable {
  /// Since the program's start; never goes back. For intervals and timers.
  public var uptime: Duration
  /// Seconds since 1970 by the machine's clock. For what is compared with other machines.
  public var unixTime: Double

  public init(uptime: Duration, unixTime: Double) {
    self.uptime = uptime
    self.unixTime = unixTime
  }
}

extension Duration {
  /// The duration in seconds.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
