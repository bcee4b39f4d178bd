/// How soon a silent connection is given up: after about `interval` times `count + 1` seconds.
public struct KeepAlive: Sendable, Equatable {
  /// Seconds of silence before a probe is sent, and between probes.
  public var interval: Int32
  /// Probes without an answer that end the connection.
  public var count: UInt32

  public init(interval: Int32, count: UInt32) {
    self.interval = interval
    self.count = count
  }
}
