public import ClusterModel
public import MigfraProtocol

/// One machine's way from its source to its destination, with retries.
///
///     waiting ──start──▶ moving ──success──▶ moved
///        ▲ │               │
///    due │ └──postponed───▶├─ may pass, attempts left ─▶ retrying ─┐
///        └─────────────────│───────────────────────────────────────┘
///                          └─ permanent, or attempts used up ─▶ failed
public struct MigrationMachine: Sendable, Equatable, Codable {
  public enum State: Sendable, Equatable, Codable {
    /// Next: `moving` when both ends have a slot, `failed` when the way is lost.
    case waiting
    /// The source's worker has the task. Next: `moved`, `retrying`, `failed`.
    case moving(task: TaskID, since: Duration)
    /// Next: `waiting` when the pause is over.
    case retrying(generation: Int)
    case moved(seconds: Double)
    case failed(ErrorCode)
  }

  /// What to do after an answer.
  public enum Consequence: Sendable, Equatable {
    case done
    /// Try again after the pause; `elsewhere`: the destination was the cause.
    case retry(after: Duration, generation: Int, elsewhere: Bool)
  }

  public private(set) var move: Plan.Move
  public private(set) var state: State = .waiting
  /// Failed attempts so far.
  public private(set) var retries = 0
  /// The last cause of failure, in libvirt's own words where it spoke.
  public private(set) var details: String?
  /// Of the last attempt that was carried out.
  private var cause: String?
  public private(set) var progress: MigrationProgress?
  public private(set) var times: [TimeMeasurement] = []
  private let allowedRetries: Int

  /// Progress is not kept: the next sample comes soon.
  private enum CodingKeys: CodingKey {
    case move, state, retries, details, cause, times, allowedRetries
  }

  public init(_ move: Plan.Move, allowedRetries: Int) {
    self.move = move
    self.allowedRetries = allowedRetries
  }

  /// The source's worker is given the task.
  public mutating func start(as task: TaskID, at now: Moment) {
    precondition(state == .waiting, "only a waiting migration can be started")
    state = .moving(task: task, since: now.uptime)
    progress = nil
  }

  /// Takes the worker's answer to `task`; nil: it answers nothing that is running.
  public mutating func finish(_ task: TaskID, with outcome: VMOutcome, at now: Moment) -> Consequence? {
    guard case .moving(task, let since) = state else { return nil }
    progress = nil
    times = outcome.times
    if outcome.isSuccess {
      state = .moved(seconds: (now.uptime - since).inSeconds)
      return .done
    }
    // A late order was not carried out.
    return attemptFailed(
      outcome.code ?? .internal, details: outcome.details, isCarriedOut: outcome.code != .expired)
  }

  /// Its turn has come, and the destination cannot receive: an attempt that failed before it began.
  public mutating func postpone(details: String) -> Consequence {
    precondition(state == .waiting, "only a waiting migration can be postponed")
    return attemptFailed(.destination, details: details, isCarriedOut: false)
  }

  private mutating func attemptFailed(_ code: ErrorCode, details: String?, isCarriedOut: Bool) -> Consequence {
    self.details = details
    if isCarriedOut {
      cause = details
    } else if let cause {
      // What the attempt before came to, the machine in an image perhaps, still holds.
      self.details = "\(details ?? code.rawValue); before: \(cause)"
    }
    guard Self.mayPass(code), retries < allowedRetries else {
      state = .failed(code)
      return .done
    }
    retries += 1
    state = .retrying(generation: retries)
    return .retry(
      after: Self.pause(beforeAttempt: retries), generation: retries,
      elsewhere: code == .destination || code == .devices)
  }

  /// The pause is over; a stale timer changes nothing.
  public mutating func retry(generation: Int) {
    if state == .retrying(generation: generation) { state = .waiting }
  }

  /// Its order was taken back, and it waits for another.
  /// - Returns: false if `task` is not what it works on.
  mutating func beginAnew(_ task: TaskID) -> Bool {
    guard case .moving(task, _) = state else { return false }
    progress = nil
    state = .waiting
    return true
  }

  /// The machine shall go elsewhere.
  public mutating func redirect(to destination: HostName) {
    precondition(task == nil && !isFinal, "a migration under way keeps its destination")
    move.destination = destination
  }

  /// The way is lost without an answer.
  public mutating func fail(_ code: ErrorCode, details: String) {
    guard !isFinal else { return }
    progress = nil
    self.details = details
    state = .failed(code)
  }

  /// It is not tried again, whatever the last attempt came to; that may say where the machine is kept.
  public mutating func giveUp(_ code: ErrorCode, because words: String) {
    fail(code, details: (cause ?? details).map { "\(words); before: \($0)" } ?? words)
  }

  /// The clock has begun anew: what was at `time` is at `time + shift`.
  mutating func shift(by shift: Duration) {
    if case .moving(let task, let since) = state { state = .moving(task: task, since: since + shift) }
  }

  public mutating func update(_ progress: MigrationProgress) {
    if task != nil, progress.task == task { self.progress = progress }
  }

  /// The task that the source's worker works on.
  public var task: TaskID? {
    if case .moving(let task, _) = state { task } else { nil }
  }

  public var isFinal: Bool {
    switch state {
    case .moved, .failed: true
    case .waiting, .moving, .retrying: false
    }
  }

  var isRetrying: Bool {
    if case .retrying = state { true } else { false }
  }

  public var isMoved: Bool {
    if case .moved = state { true } else { false }
  }

  /// Whether trying again can help: not when the request itself is the cause, nor when it is unknown where the
  /// machine runs. An order that came too late can be given anew.
  static func mayPass(_ code: ErrorCode) -> Bool {
    switch code {
    case .destination, .devices, .hypervisor, .hypervisorLost, .timeout, .expired, .internal: true
    case .invalidMessage, .unknownTask, .unsupported, .refused, .duplicateID, .notFound, .wrongState,
      .exists, .capacity, .inDoubt, .noCoordinator, .noWorker, .pscom, .cancelled, .superseded, .tooLate:
      false
    }
  }

  /// 1 s, 2 s, 4 s, … at most 30 s.
  static func pause(beforeAttempt attempt: Int) -> Duration {
    .seconds(min(30, 1 << min(attempt - 1, 5)))
  }
}
