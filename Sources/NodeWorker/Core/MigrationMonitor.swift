public import MigfraProtocol

/// Watches a running migration, and says what its tuning asks to be done about it.
public struct MigrationMonitor: Sendable {
  /// What libvirt tells of a running migration.
  public struct Sample: Sendable {
    /// Since the migration began.
    public var elapsed: Duration
    /// Bytes to copy in all; 0: the destination is being prepared.
    public var totalBytes: UInt64
    /// Passes over the guest's memory; the first is 1.
    public var pass: UInt64

    public init(elapsed: Duration, totalBytes: UInt64, pass: UInt64) {
      self.elapsed = elapsed
      self.totalBytes = totalBytes
      self.pass = pass
    }
  }

  public enum Action: Sendable, Equatable {
    /// Milliseconds.
    case limitDowntime(Int)
    case startPostCopy
    /// It took too long; what it said is the cause of the failure.
    case abort
  }

  private let tuning: MigrationTuning
  private var hasLimitedDowntime = false
  private var hasSwitched = false
  /// Whether it was given up.
  public private(set) var hasAborted = false

  public init(_ tuning: MigrationTuning) {
    self.tuning = tuning
  }

  public mutating func observe(_ sample: Sample) -> [Action] {
    guard !hasAborted else { return [] }
    var actions: [Action] = []
    if sample.totalBytes > 0, !hasLimitedDowntime, let limit = tuning.downtimeLimit {
      hasLimitedDowntime = true
      actions.append(.limitDowntime(limit))
    }
    // After the first pass only what the guest has changed meanwhile is left: it soon has at the destination what it needs.
    if tuning.postCopies, !hasSwitched, sample.pass >= 2 {
      hasSwitched = true
      actions.append(.startPostCopy)
    }
    // After the switch there is no way back: the newest memory is at the destination.
    if let timeout = tuning.timeout, !hasSwitched, sample.elapsed >= .seconds(timeout) {
      hasAborted = true
      actions.append(.abort)
    }
    return actions
  }

  /// The action could not be done and shall be asked for again.
  public mutating func failed(_ action: Action) {
    switch action {
    case .limitDowntime: hasLimitedDowntime = false
    case .startPostCopy: hasSwitched = false
    case .abort: hasAborted = false
    }
  }
}
