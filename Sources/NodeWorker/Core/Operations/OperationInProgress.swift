import MigfraProtocol

/// One operation of a task: where it stands, and how often it has been tried.
struct OperationInProgress: Sendable {
  enum Stage: Sendable, Equatable {
    /// In the queue. Next: `learning`, `examining`, `performing`.
    case queued
    /// What the agents of jobs have announced is still coming in. Next: `examining`, `performing`.
    case learning
    /// Both ends are looked at before a job is disturbed. Next: `closing`, `performing`.
    case examining
    /// The job's connections are being closed. Next: `performing`, `opening`.
    case closing
    /// Next: `pausing`, `opening`, or the end.
    case performing
    /// Between two attempts. Next: `learning`, `examining`, `performing`.
    case pausing
    /// The job's connections are being opened. Next: the end, or `examining`.
    case opening
  }

  var operation: Operation
  let sequence: Int64
  let index: Int
  let allowedRetries: Int
  var stage = Stage.queued
  var retries = 0
  /// Nothing of it is begun any more; what runs is ended if it can be.
  var isCancelled = false
  let began: Duration
  /// Of the phases that the core itself sees.
  var times: [TimeMeasurement] = []
  /// What else the answer has to say.
  var remarks: [String] = []

  init(
    operation: Operation, sequence: Int64, index: Int, allowedRetries: Int, began: Duration
  ) {
    self.operation = operation
    self.sequence = sequence
    self.index = index
    self.allowedRetries = allowedRetries
    self.began = began
  }

  /// Before the next attempt: 0.5 s, 1 s, 2 s, … at most 30 s.
  var pause: Duration {
    .milliseconds(min(30_000, 500 << min(retries - 1, 6)))
  }
}
