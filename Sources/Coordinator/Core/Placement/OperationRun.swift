/// Runs operations as early as slots, memory and predecessors allow: the given order is their priority.
///
/// A machine's memory counts at its destination from the start, and at its source until the end.
struct OperationRun {
  struct Operation {
    var kind: Solution.Step.Kind
    var vm: Int
    /// -1: storage.
    var source: Int
    /// -1: storage.
    var destination: Int
    /// The operation that must have ended; -1: none.
    var after: Int
  }

  private(set) var start: [Int]
  private(set) var end: [Int]
  /// Operations that could never start.
  private(set) var stuck: [Int] = []

  init(_ problem: Problem, _ operations: [Operation], freeMemory: [Int]) {
    start = [Int](repeating: -1, count: operations.count)
    end = start
    var free = freeMemory
    var outgoing = problem.hosts.map(\.outbound)
    var incoming = problem.hosts.map(\.inbound)
    var followers = [[Int]](repeating: [], count: operations.count)
    for (number, operation) in operations.enumerated() where operation.after >= 0 {
      followers[operation.after].append(number)
    }
    /// Who waits for a host's slots or memory, in order of priority where it matters.
    var waiting = [[Int]](repeating: [], count: problem.hosts.count)
    var running = EventHeap()
    var now = 0
    var candidates = operations.indices.filter { operations[$0].after < 0 }
    while true {
      for number in candidates where start[number] < 0 {
        let operation = operations[number]
        let memory = problem.vms[operation.vm].memory
        if operation.source >= 0, outgoing[operation.source] == 0 {
          waiting[operation.source].append(number)
          continue
        }
        if operation.destination >= 0,
          incoming[operation.destination] == 0 || free[operation.destination] < memory
        {
          waiting[operation.destination].append(number)
          continue
        }
        if operation.source >= 0 { outgoing[operation.source] -= 1 }
        if operation.destination >= 0 {
          incoming[operation.destination] -= 1
          free[operation.destination] -= memory
        }
        start[number] = now
        end[number] = now + OperationRun.duration(of: operation, problem)
        running.push(end[number], number)
      }
      guard let (time, _) = running.first else { break }
      now = time
      candidates.removeAll(keepingCapacity: true)
      while let (other, ended) = running.first, other == time {
        _ = running.pop()
        let operation = operations[ended]
        if operation.source >= 0 {
          outgoing[operation.source] += 1
          free[operation.source] += problem.vms[operation.vm].memory
        }
        if operation.destination >= 0 { incoming[operation.destination] += 1 }
        for host in [operation.source, operation.destination] where host >= 0 {
          candidates += waiting[host]
          waiting[host].removeAll(keepingCapacity: true)
        }
        candidates += followers[ended]
      }
      candidates.sort()
    }
    stuck = operations.indices.filter { start[$0] < 0 }
  }

  /// The operation that ends last; -1: there is none.
  var last: Int { end.indices.max { end[$0] < end[$1] } ?? -1 }

  static func duration(of operation: Operation, _ problem: Problem) -> Int {
    operation.kind == .migrate
      ? problem.migrationTime(of: operation.vm, from: operation.source, to: operation.destination)
      : problem.storageTime(of: operation.vm)
  }
}
