public import ClusterModel

/// Remembers which tasks were taken, so that a task that comes twice is done once.
///
/// Keeps the answers of the last `capacity` finished tasks; what is older is forgotten, and a repeat of it runs again.
public struct TaskLedger: Sendable {
  /// What a task that has just arrived is.
  public enum Receipt: Sendable, Equatable {
    case new
    /// Seen before and still running: its one answer will come.
    case running
    /// Seen before and answered so.
    case answered(TaskResult)
    /// The id was used for another task.
    case conflicting
  }

  private struct Entry {
    var content: UInt64
    var answer: TaskResult?
  }

  private var entries: [TaskID: Entry] = [:]
  private var finished: [TaskID] = []
  private var oldest = 0
  private let capacity: Int

  public init(capacity: Int = 10_000) {
    self.capacity = capacity
  }

  /// Takes a task; one without an id is always new.
  public mutating func receive(_ task: TaskMessage) -> Receipt {
    guard let id = task.id else { return .new }
    let content = task.fingerprint
    guard let entry = entries[id] else {
      entries[id] = Entry(content: content)
      return .new
    }
    guard entry.content == content else { return .conflicting }
    return entry.answer.map(Receipt.answered) ?? .running
  }

  /// Forgets a task that has just been taken as new: it shall not count as one.
  public mutating func withdraw(_ id: TaskID?) {
    if let id, entries[id]?.answer == nil { entries[id] = nil }
  }

  /// The answer of a task that has ended, if it is remembered.
  public func answer(to id: TaskID) -> TaskResult? { entries[id]?.answer }

  /// Remembers the answer.
  public mutating func finish(_ id: TaskID?, with answer: TaskResult) {
    guard let id, entries[id] != nil, entries[id]?.answer == nil else { return }
    entries[id]?.answer = answer
    finished.append(id)
    guard finished.count - oldest > capacity else { return }
    entries[finished[oldest]] = nil
    oldest += 1
    if oldest > capacity {
      finished.removeFirst(oldest)
      oldest = 0
    }
  }
}

extension TaskMessage {
  /// A number that is equal for equal tasks on every machine and in every process (FNV-1a over the encoded task).
  ///
  /// An order that the next incarnation of the coordinator repeats is the same one: who gives it does not count.
  public var fingerprint: UInt64 {
    var content = self
    content.epoch = nil
    return content.encoded().reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
