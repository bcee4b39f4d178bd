/// Carries out a wanted mapping with little memory to spare: what can move moves; where everything waits for
/// everything, one machine is lifted out of the way, to a host with room or to storage.
struct Rearrangement {
  typealias Operation = OperationRun.Operation

  private let problem: Problem
  private let moves: [(vm: Int, destination: Int)]
  private let freeAtStart: [Int]

  init(_ problem: Problem, _ mapping: [(vm: Int, destination: Int)]) {
    self.problem = problem
    moves = mapping.filter { problem.vms[$0.vm].host != $0.destination }
    var free = problem.hosts.map { $0.memory - $0.reservedMemory }
    for vm in problem.vms { free[vm.host] -= vm.memory }
    freeAtStart = free
  }

  func solve() -> Solution {
    let jobs = moves.map { move in
      let source = problem.vms[move.vm].host
      return Scheduler.Job(
        vm: move.vm, source: source, destination: move.destination,
        duration: problem.migrationTime(of: move.vm, from: source, to: move.destination))
    }
    let scheduler = Scheduler(problem, jobs)
    if !isMemoryScarce { return solution(scheduler.steps(attempts: 6), unfinished: []) }
    let operations = scheduler.order().map { number in
      Operation(
        kind: .migrate, vm: jobs[number].vm, source: jobs[number].source, destination: jobs[number].destination,
        after: -1)
    }
    let run = OperationRun(problem, operations, freeMemory: freeAtStart)
    guard !run.stuck.isEmpty else { return solution(steps(operations, run), unfinished: []) }
    return unblock(operations, run)
  }

  /// Whether somewhere not all arrivals fit before anything has left.
  private var isMemoryScarce: Bool {
    var free = freeAtStart
    for move in moves { free[move.destination] -= problem.vms[move.vm].memory }
    return moves.contains { free[$0.destination] < 0 }
  }

  /// The steps of moves that can be done one after another in the given order; together where memory allows.
  static func steps(_ problem: Problem, _ order: [(vm: Int, destination: Int)]) -> [Solution.Step] {
    let rearrangement = Rearrangement(problem, order)
    var operations = rearrangement.moves.map { move in
      Operation(
        kind: .migrate, vm: move.vm, source: problem.vms[move.vm].host, destination: move.destination, after: -1)
    }
    var run = OperationRun(problem, operations, freeMemory: rearrangement.freeAtStart)
    if !run.stuck.isEmpty {
      for number in operations.indices.dropFirst() { operations[number].after = number - 1 }
      run = OperationRun(problem, operations, freeMemory: rearrangement.freeAtStart)
    }
    return rearrangement.steps(operations, run)
  }

  private func unblock(_ operations: [Operation], _ run: OperationRun) -> Solution {
    // In the order in which they start, so that they could also be done one after another.
    var all = operations.indices.filter { run.start[$0] >= 0 }
      .sorted { (run.start[$0], $0) < (run.start[$1], $1) }.map { operations[$0] }
    var free = freeAtStart
    for operation in all {
      free[operation.destination] -= problem.vms[operation.vm].memory
      free[operation.source] += problem.vms[operation.vm].memory
    }
    // What unblocks begins after what needs no help, so that neither takes the other's room.
    let last = all.isEmpty ? -1 : OperationRun(problem, all, freeMemory: freeAtStart).last
    var lifting = Lifting(problem, free: free, mapping: moves)
    var unfinished: [Int] = []
    let orders = components(run.stuck.map { operations[$0] }).map { lifting.unblock($0) }
    var lanes = lanes(for: orders, after: last)
    for order in orders {
      let first = all.count
      let lane = order.suspended > 0 && !lanes.isEmpty ? lanes.indices.min { lanes[$0].length < lanes[$1].length } : nil
      for (position, operation) in order.chain.enumerated() {
        var operation = operation
        operation.after = position == 0 ? lane.map { lanes[$0].last } ?? last : first + position - 1
        all.append(operation)
      }
      if let lane, all.count > first { lanes[lane] = (all.count - 1, lanes[lane].length + all.count - first) }
      unfinished += order.left
    }
    var run = OperationRun(problem, all, freeMemory: freeAtStart)
    if !run.stuck.isEmpty {
      // Components that need the same room of a third host could wait for each other; one after another they cannot.
      for number in all.indices.dropFirst() { all[number].after = number - 1 }
      run = OperationRun(problem, all, freeMemory: freeAtStart)
    }
    return solution(steps(all, run), unfinished: unfinished)
  }

  /// Where suspended machines are limited, components that suspend some wait for each other: as many as may be suspended
  /// at a time go side by side. Empty: no need to wait.
  private func lanes(for orders: [Lifting.Order], after last: Int) -> [(last: Int, length: Int)] {
    let suspending = orders.filter { $0.suspended > 0 }
    let most = suspending.map(\.suspended).max() ?? 0
    if suspending.reduce(0, { $0 + $1.suspended }) <= problem.maxSuspended { return [] }
    // One that needs several at a time goes alone.
    return Array(repeating: (last, 0), count: most > 1 ? 1 : problem.maxSuspended)
  }

  /// Operations whose hosts are connected by them, the component of the first operation first.
  private func components(_ operations: [Operation]) -> [[Operation]] {
    var parent = Array(problem.hosts.indices)
    func find(_ host: Int) -> Int {
      var root = host
      while parent[root] != root {
        parent[root] = parent[parent[root]]
        root = parent[root]
      }
      return root
    }
    for operation in operations { parent[find(operation.source)] = find(operation.destination) }
    var number: [Int: Int] = [:]
    var result: [[Operation]] = []
    for operation in operations {
      let root = find(operation.source)
      if let known = number[root] {
        result[known].append(operation)
      } else {
        number[root] = result.count
        result.append([operation])
      }
    }
    return result
  }

  private func steps(_ operations: [Operation], _ run: OperationRun) -> [Solution.Step] {
    var order = operations.indices.filter { run.start[$0] >= 0 }
    order.sort { run.start[$0] != run.start[$1] ? run.start[$0] < run.start[$1] : $0 < $1 }
    var position = [Int](repeating: -1, count: operations.count)
    for (index, number) in order.enumerated() { position[number] = index }
    return order.map { number in
      let operation = operations[number]
      return Solution.Step(
        kind: operation.kind, vm: operation.vm, source: operation.source, destination: operation.destination,
        start: run.start[number], end: run.end[number], after: operation.after < 0 ? -1 : position[operation.after])
    }
  }

  private func solution(_ steps: [Solution.Step], unfinished: [Int]) -> Solution {
    let isUnfinished = Set(unfinished)
    return Solution(
      placements: moves.filter { !isUnfinished.contains($0.vm) }.map {
        Solution.Placement(vm: $0.vm, destination: $0.destination)
      },
      unplaced: unfinished, steps: steps)
  }
}
