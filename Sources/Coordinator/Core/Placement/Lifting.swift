/// Brings moves that block each other into an order, by lifting machines out of the way.
struct Lifting {
  typealias Operation = OperationRun.Operation

  private let problem: Problem
  /// Free memory after all that has been ordered so far.
  private(set) var free: [Int]
  /// Machines of the component at hand that are in storage or on a third host.
  private var lifted: Set<Int> = []
  /// Memory that a host never needs for the mapping, and what lifted machines have been promised of it.
  private var spare: [(host: Int, room: Int, promised: Int)] = []
  /// Machines in storage now, and the most there were while the component at hand was ordered.
  private var suspended = 0
  private var mostSuspended = 0
  /// States that may still be looked at in searches, of all components together.
  var searchLeft = 200_000

  init(_ problem: Problem, free: [Int], mapping: [(vm: Int, destination: Int)]) {
    self.problem = problem
    self.free = free
    guard problem.mayBounce else { return }
    var final = problem.hosts.map { $0.memory - $0.reservedMemory }
    var destination = problem.vms.map(\.host)
    for entry in mapping { destination[entry.vm] = entry.destination }
    for (vm, host) in zip(problem.vms, destination) { final[host] -= vm.memory }
    for host in problem.hosts.indices {
      let room = min(final[host], free[host])
      if room > 0 { spare.append((host, room, 0)) }
    }
  }

  /// A serial order of operations for one component.
  struct Order {
    var chain: [Operation]
    /// Machines that it leaves where they are.
    var left: [Int]
    /// The most machines that are in storage at a time.
    var suspended: Int
  }

  /// Of several ways to begin, the one that leaves fewest and lifts fewest.
  mutating func unblock(_ component: [Operation]) -> Order {
    let start = self
    var best = order(component, lifting: nil)
    var state = self
    func cost(_ order: Order) -> (Int, Int) { (order.left.count, order.chain.count) }
    // One machine lifted is the least; where that does not do, each machine is tried as the first.
    let candidates = component.count <= 500 ? component.prefix(64) : []
    for operation in candidates where !best.left.isEmpty || best.chain.count > component.count + 1 {
      self = start
      let other = order(component, lifting: operation.vm)
      if cost(other) < cost(best) { (best, state) = (other, self) }
    }
    if !best.left.isEmpty || best.chain.count > component.count + 1 {
      self = start
      if let other = search(component, below: best.left.isEmpty ? best.chain.count - component.count : 4) {
        (best, state) = (other, self)
      }
      state.searchLeft = searchLeft
    }
    self = state
    return best
  }

  private mutating func order(_ component: [Operation], lifting vm: Int?) -> Order {
    var vm = vm
    mostSuspended = 0
    var chain: [Operation] = []
    var pending = component
    lifted = []
    runFree(&pending, &chain)
    // Where everything stands if the rest turns out to be impossible: nobody in storage, nobody on a third host.
    var firm = (chain: chain, pending: pending, free: free)
    while !pending.isEmpty {
      let before = pending.count
      tour(&pending, &chain, lifting: vm)
      vm = nil
      if pending.count == before {
        free = firm.free
        suspended = 0
        return Order(chain: firm.chain, left: firm.pending.map(\.vm), suspended: mostSuspended)
      }
      if lifted.isEmpty { firm = (chain, pending, free) }
    }
    return Order(chain: chain, left: [], suspended: mostSuspended)
  }

  /// Whatever fits one after another.
  private mutating func runFree(_ pending: inout [Operation], _ chain: inout [Operation]) {
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      var rest: [Operation] = []
      for operation in pending {
        if free[operation.destination] >= problem.vms[operation.vm].memory {
          perform(operation, &chain)
          lifted.remove(operation.vm)
          hasMoved = true
        } else {
          rest.append(operation)
        }
      }
      pending = rest
    }
  }

  /// Lifts one machine and lets its hole serve the others; what does not fit on the way stays pending.
  private mutating func tour(_ pending: inout [Operation], _ chain: inout [Operation], lifting vm: Int?) {
    var number: [Int: Int] = [:]
    func local(_ host: Int) -> Int {
      if let known = number[host] { return known }
      number[host] = number.count
      return number.count - 1
    }
    let moves = pending.map { operation in
      HoleTour.Move(
        vm: operation.vm, source: local(operation.source), destination: local(operation.destination),
        size: problem.vms[operation.vm].memory)
    }
    var tour = HoleTour(moves, hostCount: number.count)
    let preferred = vm.flatMap { vm in pending.firstIndex { $0.vm == vm } }
    guard
      let (lifted, others) = tour.order(
        sparing: pending.map { self.lifted.contains($0.vm) }, preferring: preferred),
      let (away, back) = lift(pending[lifted])
    else { return }
    perform(away, &chain)
    self.lifted.insert(away.vm)
    var isDone = [Bool](repeating: false, count: pending.count)
    for other in others where free[pending[other].destination] >= problem.vms[pending[other].vm].memory {
      perform(pending[other], &chain)
      isDone[other] = true
    }
    isDone[lifted] = true
    self.lifted.subtract(pending.indices.filter { isDone[$0] && $0 != lifted }.map { pending[$0].vm })
    pending = pending.indices.filter { !isDone[$0] }.map { pending[$0] }
    runFree(&pending, &chain)
    if free[back.destination] >= problem.vms[back.vm].memory {
      perform(back, &chain)
      self.lifted.remove(back.vm)
    } else {
      pending.append(back)
    }
  }

  /// A host with room is better than storage, because the machine goes on running.
  mutating func lift(_ operation: Operation) -> (away: Operation, back: Operation)? {
    let vm = problem.vms[operation.vm]
    var best = -1
    for index in spare.indices
    where spare[index].room >= vm.memory && spare[index].host != operation.source
      && spare[index].host != operation.destination && free[spare[index].host] >= vm.memory
      && problem.allowed[vm.requirement * problem.hosts.count + spare[index].host]
    {
      if best < 0 || spare[index].promised * spare[best].room < spare[best].promised * spare[index].room {
        best = index
      }
    }
    if best >= 0 {
      spare[best].promised += vm.memory
      let host = spare[best].host
      return (
        Operation(kind: .migrate, vm: operation.vm, source: operation.source, destination: host, after: -1),
        Operation(kind: .migrate, vm: operation.vm, source: host, destination: operation.destination, after: -1)
      )
    }
    guard problem.storage > 0, suspended < problem.maxSuspended else { return nil }
    return (
      Operation(kind: .suspend, vm: operation.vm, source: operation.source, destination: -1, after: -1),
      Operation(kind: .restore, vm: operation.vm, source: -1, destination: operation.destination, after: -1)
    )
  }

  mutating func perform(_ operation: Operation, _ chain: inout [Operation]) {
    count(operation, 1)
    mostSuspended = max(mostSuspended, suspended)
    chain.append(operation)
  }

  /// Takes the last operation back.
  mutating func undo(_ chain: inout [Operation]) {
    guard let operation = chain.popLast() else { return }
    count(operation, -1)
  }

  private mutating func count(_ operation: Operation, _ times: Int) {
    if operation.source >= 0 { free[operation.source] += times * memory(of: operation) }
    if operation.destination >= 0 { free[operation.destination] -= times * memory(of: operation) }
    if operation.kind == .suspend { suspended += times }
    if operation.kind == .restore { suspended -= times }
  }

  func memory(of operation: Operation) -> Int { problem.vms[operation.vm].memory }
}
