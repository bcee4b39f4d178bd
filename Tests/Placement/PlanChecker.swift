import Placement

/// Carries a solution out on paper, and says what it breaks.
struct PlanChecker {
  private let problem: Problem
  private let solution: Solution
  private var host: [Int]
  private var broken: [String] = []

  /// What is wrong with the solution, in words; empty: nothing.
  static func violations(of solution: Solution, _ problem: Problem) -> [String] {
    var checker = PlanChecker(problem, solution)
    checker.checkPlaces()
    checker.checkRoom()
    checker.checkGroups()
    checker.checkCells()
    checker.checkSteps()
    return checker.broken
  }

  /// The most machines in storage, or on their way there or back, at a time.
  static func mostSuspended(_ solution: Solution) -> Int {
    let changes = solution.steps.flatMap { step -> [(time: Int, change: Int)] in
      switch step.kind {
      case .suspend: [(step.start, 1)]
      case .restore: [(step.end, -1)]
      case .migrate: []
      }
    }
    var count = 0
    return changes.sorted { ($0.time, $0.change) < ($1.time, $1.change) }.reduce(0) { most, entry in
      count += entry.change
      return max(most, count)
    }
  }

  private init(_ problem: Problem, _ solution: Solution) {
    self.problem = problem
    self.solution = solution
    host = problem.vms.map(\.host)
    for placement in solution.placements { host[placement.vm] = placement.destination }
  }

  private mutating func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { broken.append(message()) }
  }

  private mutating func checkPlaces() {
    let placed = solution.placements.map(\.vm)
    require(Set(placed).count == placed.count, "a machine is placed twice")
    switch problem.task {
    case .rearrange(let mapping):
      for entry in mapping where !solution.unplaced.contains(entry.vm) {
        require(host[entry.vm] == entry.destination, "machine \(entry.vm) is not where it was wanted")
      }
    case .evacuate(let evacuation):
      let moving = Set(evacuation.moving)
      require(
        Set(placed).intersection(moving).union(solution.unplaced) == moving, "a machine is neither placed nor named")
      for placement in solution.placements {
        require(evacuation.destinations.contains(placement.destination), "\(placement) goes to no destination")
        require(moving.contains(placement.vm) || evacuation.movesOthers, "\(placement) was not to be moved")
        let row = problem.vms[placement.vm].requirement
        require(problem.allowed[row * problem.hosts.count + placement.destination], "\(placement) lacks a label")
      }
    }
  }

  private mutating func checkRoom() {
    guard case .evacuate(let evacuation) = problem.task else { return }
    let moving = Set(evacuation.moving)
    for target in Set(solution.placements.map(\.destination)) {
      let guests = problem.vms.indices.filter { host[$0] == target }
      let memory = guests.reduce(0) { $0 + problem.vms[$1].memory }
      require(memory <= problem.hosts[target].memory, "memory of host \(target) is overbooked")
      let cpus = guests.reduce(0) { $0 + problem.vms[$1].vcpus }
      let own = problem.vms.indices.filter { problem.vms[$0].host == target && !moving.contains($0) }
        .reduce(0) { $0 + problem.vms[$1].vcpus }
      if !evacuation.overbooking {
        require(cpus <= max(own, problem.hosts[target].cpus), "CPUs of host \(target) are overbooked")
      }
    }
  }

  private mutating func checkGroups() {
    let moved = Set(solution.placements.map(\.vm))
    for group in problem.groups {
      for (position, vm) in group.vms.enumerated() {
        for other in group.vms[(position + 1)...] where moved.contains(vm) || moved.contains(other) {
          let zones = [vm, other].map { group.isByRack ? problem.hosts[host[$0]].rack : host[$0] }
          require(zones[0] != zones[1], "machines \(vm) and \(other) are together")
        }
      }
    }
  }

  private mutating func checkCells() {
    guard !problem.cells.isEmpty, case .evacuate(let evacuation) = problem.task else { return }
    var cell = problem.vms.map(\.cell)
    for placement in solution.placements { cell[placement.vm] = placement.cell }
    for target in Set(solution.placements.map(\.destination)) {
      for number in 0..<problem.hosts[target].cellCount {
        let guests = problem.vms.indices.filter {
          problem.vms[$0].isInOneCell && host[$0] == target && cell[$0] == number
        }
        let room = problem.cells[problem.hosts[target].firstCell + number]
        require(
          guests.reduce(0) { $0 + problem.vms[$1].memory } <= room.memory, "cell \(number) of \(target) is overfull")
        let arrived = guests.contains { vm in solution.placements.contains { $0.vm == vm } }
        if !evacuation.overbooking, arrived,
          room.cpus >= guests.filter({ problem.vms[$0].host == target }).reduce(0, { $0 + problem.vms[$1].vcpus })
        {
          require(guests.reduce(0) { $0 + problem.vms[$1].vcpus } <= room.cpus, "CPUs of cell \(number) of \(target)")
        }
      }
    }
    for placement in solution.placements where problem.vms[placement.vm].isInOneCell {
      require(placement.cell >= 0, "machine \(placement.vm) has no cell")
    }
  }

  /// Slots, memory and durations at every moment, and where each machine ends.
  private mutating func checkSteps() {
    var free = problem.hosts.map(\.memory)
    for vm in problem.vms { free[vm.host] -= vm.memory }
    var outgoing = problem.hosts.map(\.outbound)
    var incoming = problem.hosts.map(\.inbound)
    var at = problem.vms.map(\.host)
    var events: [(time: Int, isStart: Int, step: Int)] = []
    for (number, step) in solution.steps.enumerated() {
      events += [(step.start, 1, number), (step.end, 0, number)]
    }
    // At one moment, what ends frees before anything starts.
    events.sort { ($0.time, $0.isStart, $0.step) < ($1.time, $1.isStart, $1.step) }
    for event in events {
      let step = solution.steps[event.step]
      let memory = problem.vms[step.vm].memory
      if event.isStart == 1 {
        require(step.source == at[step.vm], "step \(event.step) begins where its machine is not")
        require(step.after < 0 || solution.steps[step.after].end <= step.start, "step \(event.step) is too early")
        if step.source >= 0 { outgoing[step.source] -= 1 }
        if step.destination >= 0 {
          incoming[step.destination] -= 1
          free[step.destination] -= memory
          require(incoming[step.destination] >= 0, "too many arrive at \(step.destination)")
          require(free[step.destination] >= 0, "no memory on \(step.destination) at \(event.time)")
        }
        if step.source >= 0 { require(outgoing[step.source] >= 0, "too many leave \(step.source)") }
      } else {
        if step.source >= 0 {
          outgoing[step.source] += 1
          free[step.source] += memory
        }
        if step.destination >= 0 { incoming[step.destination] += 1 }
        at[step.vm] = step.destination
      }
    }
    for vm in problem.vms.indices where !solution.unplaced.contains(vm) {
      require(at[vm] == host[vm], "machine \(vm) does not end where the plan says")
    }
  }
}
