import ClusterModel
import MigfraProtocol

/// A task whose operations are not all done: collects their outcomes in the order of its entries.
struct TaskInProgress: Sendable {
  let arrival: TaskArrival
  let task: TaskMessage
  let began: Duration
  private var outcomes: [VMOutcome?]

  init(_ arrival: TaskArrival, _ task: TaskMessage, entries: Int, at now: Moment) {
    self.arrival = arrival
    self.task = task
    began = now.uptime
    outcomes = Array(repeating: nil, count: entries)
  }

  /// Takes one entry's outcome; returns whether it was the last.
  mutating func set(_ outcome: VMOutcome, at index: Int) -> Bool {
    outcomes[index] = outcome
    return !outcomes.contains(nil)
  }

  /// The one answer.
  func result(host: HostName) -> TaskResult {
    var entries = outcomes.compactMap { $0 }
    if !task.warnings.isEmpty {
      let warnings = task.warnings.joined(separator: "; ")
      for index in entries.indices {
        entries[index].details = entries[index].details.map { "\($0); \(warnings)" } ?? warnings
      }
    }
    return TaskResult(
      title: task.kind.title, id: task.id, scheduler: task.kind == .startVM ? host.rawValue : nil, entries: entries)
  }
}
