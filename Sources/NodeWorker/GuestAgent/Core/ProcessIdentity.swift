/// One process and no other: its number may be given away again, but not together with its start time.
public struct ProcessIdentity: Sendable, Hashable {
  public var pid: Int32
  /// In the kernel's clock ticks since the machine was booted.
  public var startTime: UInt64

  public init(pid: Int32, startTime: UInt64) {
    self.pid = pid
    self.startTime = startTime
  }
}

/// A process that can be suspended, as a look at the process table shows it.
public struct ObservedProcess: Sendable, Equatable {
  public var identity: ProcessIdentity
  /// What it toggles on.
  public var signal: Int32
  /// Such a signal was sent to it and it has not taken it yet: it blocks it, or waits for a device.
  public var isSignalPending: Bool

  public init(_ identity: ProcessIdentity, signal: Int32, isSignalPending: Bool = false) {
    self.identity = identity
    self.signal = signal
    self.isSignalPending = isSignalPending
  }
}
