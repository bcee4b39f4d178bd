public import MigfraProtocol

/// Watches a running migration, and says what its tuning asks to be done about it.
public struct MigrationMonitor: Sendable {
  /// What libvirt tells of a running migration.
  public struct Sample: Sendable {
    /// Since the migration began.
    public var elapsed: Duration
    /// Bytes to copy in all; 0: the destination is being prepared.
    public var totalBytes: UInt64
    /// Bytes sent so far; grows as long as anything moves.
    public var sentBytes: UInt64
    /// Bytes that the destination does not have, or not as they are now.
    public var remainingBytes: UInt64
    /// Passes over the guest's memory; the first is 1.
    public var pass: UInt64

    public init(elapsed: Duration, totalBytes: UInt64, sentBytes: UInt64, remainingBytes: UInt64, pass: UInt64) {
      self.elapsed = elapsed
      self.totalBytes = totalBytes
      self.sentBytes = sentBytes
      self.remainingBytes = remainingBytes
      self.pass = pass
    }
  }

  public enum Action: Sendable, Equatable {
    /// Milliseconds.
    case limitDowntime(Int)
    case startPostCopy
    case abort(Cause)
  }

  /// Why a migration was given up.
  public enum Cause: Sendable, Equatable {
    /// The task's own limit.
    case timeout
    /// Nothing has moved for a while: the destination, or the way to it, is gone.
    case stalled
    /// The guest writes faster than its memory is copied, and the task wants no more of it.
    case notConverging
  }

  private let tuning: MigrationTuning
  private let nonConvergence: NonConvergence
  private let patience: Duration
  /// What the last step may take now, milliseconds; nil: it was not set.
  private var downtime: Int?
  private var hasSwitched = false
  private var lastMove: (bytes: UInt64, at: Duration)?
  /// What was left when the last pass began.
  private var lastPass: (number: UInt64, remaining: UInt64)?
  /// Passes, one after another, after which as much was left as before.
  private var vainPasses = 0
  /// Why it was given up; nil: it was not.
  public private(set) var cause: Cause?

  /// libvirt's own limit for the last step, milliseconds.
  private static let usualDowntime = 300
  public static let longestDowntime = 10_000
  /// So many vain passes are no accident.
  private static let enoughVainPasses = 3

  /// - Parameters:
  ///   - nonConvergence: for a task that leaves it open.
  ///   - patience: after so long without a byte it is given up.
  public init(_ tuning: MigrationTuning, nonConvergence: NonConvergence = .wait, patience: Duration = .seconds(30)) {
    self.tuning = tuning
    self.nonConvergence = tuning.nonConvergence ?? nonConvergence
    self.patience = patience
  }

  /// Whether the migration must be begun so that it can be switched to post-copy.
  public var needsPostCopy: Bool { tuning.postCopies || nonConvergence == .postCopy }

  public mutating func observe(_ sample: Sample) -> [Action] {
    guard cause == nil else { return [] }
    var actions: [Action] = []
    if sample.totalBytes > 0, downtime == nil, let limit = tuning.downtimeLimit {
      actions.append(limitDowntime(to: limit))
    }
    // After the first pass only what the guest has changed meanwhile is left: it soon has at the destination what it needs.
    if tuning.postCopies, sample.pass >= 2 { actions += switchOver() }
    actions += converge(sample)
    // After the switch there is no way back: the newest memory is at the destination.
    guard !hasSwitched else { return actions }
    if let timeout = tuning.timeout, sample.elapsed >= .seconds(timeout) { return actions + [abort(.timeout)] }
    if isStalled(sample) { return actions + [abort(.stalled)] }
    return actions
  }

  /// The action could not be done and shall be asked for again.
  public mutating func failed(_ action: Action) {
    switch action {
    case .limitDowntime: downtime = nil
    case .startPostCopy: hasSwitched = false
    case .abort: cause = nil
    }
  }

  private mutating func isStalled(_ sample: Sample) -> Bool {
    // While the destination is prepared, libvirt's keepalive watches it.
    guard sample.totalBytes > 0 else { return false }
    guard let last = lastMove, last.bytes == sample.sentBytes else {
      lastMove = (sample.sentBytes, sample.elapsed)
      return false
    }
    return sample.elapsed - last.at >= patience
  }

  private mutating func converge(_ sample: Sample) -> [Action] {
    guard sample.pass >= 2, sample.pass != lastPass?.number else { return [] }
    // Less than a tenth less is no progress.
    let isVain = lastPass.map { Double(sample.remainingBytes) > 0.9 * Double($0.remaining) } ?? false
    vainPasses = isVain ? vainPasses + 1 : 0
    lastPass = (sample.pass, sample.remainingBytes)
    guard vainPasses >= Self.enoughVainPasses else { return [] }
    switch nonConvergence {
    case .wait: return []
    case .downtime:
      let current = downtime ?? Self.usualDowntime
      return current < Self.longestDowntime ? [limitDowntime(to: min(2 * current, Self.longestDowntime))] : []
    case .postCopy: return switchOver()
    case .giveUp: return hasSwitched ? [] : [abort(.notConverging)]
    }
  }

  private mutating func limitDowntime(to milliseconds: Int) -> Action {
    downtime = milliseconds
    return .limitDowntime(milliseconds)
  }

  private mutating func switchOver() -> [Action] {
    guard !hasSwitched else { return [] }
    hasSwitched = true
    return [.startPostCopy]
  }

  private mutating func abort(_ cause: Cause) -> Action {
    self.cause = cause
    return .abort(cause)
  }
}
