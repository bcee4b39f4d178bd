import ClusterModel
import OrderedCollections

/// Decides which operations run: those of one machine one after another in order of arrival, others side by side,
/// within the limits.
struct OperationQueue: Sendable {
  private struct Entry: Sendable {
    var vm: VMName?
    var limit: Operation.Limit
  }

  private let limits: [Operation.Limit: Int]
  /// In order of arrival.
  private var waiting: OrderedDictionary<OperationID, Entry> = [:]
  private var running: [OperationID: Entry] = [:]

  init(starts: Int, migrations: Int) {
    limits = [.starts: starts, .migrations: migrations]
  }

  var runningCount: Int { running.count }

  mutating func enqueue(_ id: OperationID, _ operation: Operation) {
    waiting[id] = Entry(vm: operation.vm, limit: operation.limit)
  }

  /// Takes out one that waits.
  mutating func remove(_ id: OperationID) {
    waiting[id] = nil
  }

  mutating func finish(_ id: OperationID) {
    running[id] = nil
  }

  /// Takes out what may run now.
  mutating func dequeue() -> [OperationID] {
    var busy = Set(running.values.compactMap(\.vm))
    var used: [Operation.Limit: Int] = [:]
    for entry in running.values { used[entry.limit, default: 0] += 1 }
    var ready: [OperationID] = []
    for (id, entry) in waiting {
      if let vm = entry.vm, !busy.insert(vm).inserted { continue }
      if let limit = limits[entry.limit], used[entry.limit, default: 0] >= limit { continue }
      used[entry.limit, default: 0] += 1
      ready.append(id)
    }
    for id in ready { running[id] = waiting.removeValue(forKey: id) }
    return ready
  }
}
