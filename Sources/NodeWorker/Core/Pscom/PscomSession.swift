public import ClusterModel
import MigfraProtocol

/// Whose connections are closed around a machine's migration.
public struct SuspendedJob: Sendable, Equatable {
  public enum Audience: Sendable, Equatable {
    /// Processes that have announced themselves; each is addressed by its own topic.
    case processes(Set<String>)
    /// So many processes that nobody knows by name; all are addressed at once.
    case everyProcess(count: Int)
  }

  public var vm: VMName
  public var audience: Audience
  /// Whether all have closed their connections; false: they have been asked to.
  public var isClosed: Bool
  /// Held for so many seconds at most, beyond single migrations; nil: it is closed for one operation.
  public var lease: Int?

  public init(vm: VMName, audience: Audience, isClosed: Bool = false, lease: Int? = nil) {
    self.vm = vm
    self.audience = audience
    self.isClosed = isClosed
    self.lease = lease
  }
}

/// One request to the processes of a job, and their answers: all or none.
struct PscomSession: Sendable, Equatable {
  let request: PscomRequest
  private(set) var job: SuspendedJob
  private var answered: Set<String> = []
  /// What a process said that could not, or would not.
  private(set) var refusal: String?

  init(_ request: PscomRequest, _ job: SuspendedJob) {
    self.request = request
    self.job = job
  }

  var isComplete: Bool {
    switch job.audience {
    case .processes(let processes): answered.isSuperset(of: processes)
    case .everyProcess(let count): answered.count >= count
    }
  }

  /// Takes an answer; one to another request, of a stranger, or a second one of the same process changes nothing.
  mutating func take(_ answer: PscomAnswer, from process: String) {
    guard answer.request ?? request == request else { return }
    if case .processes(let processes) = job.audience, !processes.contains(process) { return }
    guard answer.isSuccess else {
      refusal = refusal ?? "process \(process): \(answer.details ?? "it gives no reason")"
      return
    }
    answered.insert(process)
  }

  /// A process that has ended has no connections.
  mutating func leave(_ process: String) {
    guard case .processes(var processes) = job.audience, processes.remove(process) != nil else { return }
    job.audience = .processes(processes)
  }

  /// All have closed their connections, and hold them so.
  mutating func hold(for lease: Int) {
    job.isClosed = true
    job.lease = lease
  }

  /// Who has not answered, in words.
  var silence: String {
    switch job.audience {
    case .processes(let processes):
      let silent = processes.subtracting(answered).sorted()
      let names = silent.prefix(8).joined(separator: ", ") + (silent.count > 8 ? ", …" : "")
      return "\(silent.count) of \(processes.count) processes did not answer (\(names))"
    case .everyProcess(let count):
      return "\(count - answered.count) of \(count) processes did not answer"
    }
  }
}
