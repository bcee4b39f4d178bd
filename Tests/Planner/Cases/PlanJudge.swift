public import Placement

/// Carries a solution out on paper: says which promises it breaks, and measures it. Shares no code with the planner.
public struct PlanJudge: Sendable {
  /// What is wrong, in words; empty: nothing.
  public private(set) var violations: [String] = []
  public private(set) var unplaced = 0
  /// Moves beyond one for each machine that should move.
  public private(set) var extraMoves = 0
  public private(set) var suspends = 0
  /// The most machines in storage at a time.
  public private(set) var mostSuspended = 0
  /// CPUs that receiving hosts lack after the plan and did not before.
  public private(set) var overbooked = 0
  public private(set) var receivingHosts = 0
  /// Of the fullest receiving host.
  public private(set) var highestShare = 0.0
  /// How far the numbers received by the destinations are from equal.
  public private(set) var imbalance = 0
  /// Seconds.
  public private(set) var makespan = 0.0
  /// No order of the same moves ends sooner: the busiest side of a host, or the longest move.
  public private(set) var makespanBound = 0.0

  private let problem: Problem
  private let solution: Solution
  private var host: [Int]
  private var isMoved: [Bool]
  private var isLeft: [Bool]

  public init(_ solution: Solution, _ problem: Problem) {
    self.problem = problem
    self.solution = solution
    host = problem.vms.map(\.host)
    isMoved = [Bool](repeating: false, count: host.count)
    isLeft = isMoved
    for vm in solution.unplaced { isLeft[vm] = true }
    for placement in solution.placements {
      require(!isMoved[placement.vm] && !isLeft[placement.vm], "machine \(placement.vm) is placed twice")
      host[placement.vm] = placement.destination
      isMoved[placement.vm] = true
    }
    unplaced = solution.unplaced.count
    checkWish()
    checkRoom()
    checkGroups()
    checkCells()
    checkSteps()
  }

  private mutating func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { violations.append(message()) }
  }

  private mutating func checkWish() {
    switch problem.task {
    case .rearrange(let mapping):
      for entry in mapping where !isLeft[entry.vm] {
        require(host[entry.vm] == entry.destination, "machine \(entry.vm) is not where it was wanted")
      }
    case .evacuate(let evacuation):
      var isDestination = [Bool](repeating: false, count: problem.hosts.count)
      for host in evacuation.destinations { isDestination[host] = true }
      var isWanted = [Bool](repeating: false, count: host.count)
      for vm in evacuation.moving {
        isWanted[vm] = true
        require(isMoved[vm] != isLeft[vm], "machine \(vm) is neither placed nor named, or both")
      }
      for placement in solution.placements {
        let row = problem.vms[placement.vm].requirement
        require(isDestination[placement.destination], "machine \(placement.vm) goes to no destination")
        require(isWanted[placement.vm] || evacuation.movesOthers, "machine \(placement.vm) was not to be moved")
        require(
          problem.allowed[row * problem.hosts.count + placement.destination], "machine \(placement.vm) lacks a label")
      }
    }
  }

  /// Memory and CPUs in the end, and what follows from them.
  private mutating func checkRoom() {
    guard case .evacuate(let evacuation) = problem.task else { return }
    var isMoving = [Bool](repeating: false, count: host.count)
    for vm in evacuation.moving { isMoving[vm] = true }
    var memory = problem.hosts.map(\.reservedMemory)
    var cpus = problem.hosts.map(\.reservedCPUs)
    var own = cpus
    var received = [Int](repeating: 0, count: memory.count)
    for (number, vm) in problem.vms.enumerated() {
      memory[host[number]] += vm.memory
      cpus[host[number]] += vm.vcpus
      if !isMoving[number] { own[vm.host] += vm.vcpus }
      if isMoved[number] { received[host[number]] += 1 }
    }
    let count = solution.placements.count
    let low = count / max(1, evacuation.destinations.count)
    let high = low + (count % max(1, evacuation.destinations.count) > 0 ? 1 : 0)
    for target in evacuation.destinations {
      imbalance += max(0, received[target] - high) + max(0, low - received[target])
      guard received[target] > 0 else { continue }
      let room = problem.hosts[target]
      receivingHosts += 1
      require(memory[target] <= room.memory, "memory of host \(target) is overbooked")
      let lacking = max(0, cpus[target] - max(room.cpus, own[target]))
      overbooked += lacking
      require(lacking == 0 || evacuation.overbooking, "CPUs of host \(target) are overbooked")
      if let ratio = evacuation.cpuRatio {
        let limit = max(own[target], Int(Double(room.cpus) * max(1, ratio)))
        require(cpus[target] <= limit, "CPUs of host \(target) are overbooked beyond the limit")
      }
      highestShare = max(
        highestShare, Double(memory[target]) / Double(room.memory), Double(cpus[target]) / Double(max(1, room.cpus)))
    }
  }

  private mutating func checkGroups() {
    for group in problem.groups {
      var first: [Int: Int] = [:]
      for vm in group.vms {
        let zone = group.isByRack ? problem.hosts[host[vm]].rack : host[vm]
        if zone < 0 { continue }
        if let other = first[zone] {
          require(!isMoved[vm] && !isMoved[other], "machines \(vm) and \(other) are together")
        }
        // One that moved here tells more than one that was here.
        if first[zone] == nil || isMoved[vm] { first[zone] = vm }
      }
    }
  }

  private mutating func checkCells() {
    guard !problem.cells.isEmpty, case .evacuate(let evacuation) = problem.task else { return }
    var cell = problem.vms.map(\.cell)
    for placement in solution.placements {
      cell[placement.vm] = placement.cell
      require(
        !problem.vms[placement.vm].isInOneCell || placement.cell >= 0, "machine \(placement.vm) has no cell")
    }
    var memory = [Int](repeating: 0, count: problem.cells.count)
    var cpus = memory
    var hasArrivals = [Bool](repeating: false, count: problem.cells.count)
    for (number, vm) in problem.vms.enumerated() where vm.isInOneCell && cell[number] >= 0 {
      guard cell[number] < problem.hosts[host[number]].cellCount else { continue }
      let place = problem.hosts[host[number]].firstCell + cell[number]
      memory[place] += vm.memory
      cpus[place] += vm.vcpus
      if isMoved[number] { hasArrivals[place] = true }
    }
    for place in problem.cells.indices where hasArrivals[place] {
      require(memory[place] <= problem.cells[place].memory, "memory of cell \(place) is overbooked")
      require(
        evacuation.overbooking || cpus[place] <= problem.cells[place].cpus, "CPUs of cell \(place) are overbooked")
    }
  }
}

/// The steps at every moment.
extension PlanJudge {
  private mutating func checkSteps() {
    var free = problem.hosts.map { $0.memory - $0.reservedMemory }
    for vm in problem.vms { free[vm.host] -= vm.memory }
    var outgoing = problem.hosts.map(\.outbound)
    var incoming = problem.hosts.map(\.inbound)
    var at = problem.vms.map(\.host)
    var inStorage = 0
    var migrations = 0
    var events: [(time: Int, isStart: Bool, step: Int)] = []
    events.reserveCapacity(solution.steps.count * 2)
    for (number, step) in solution.steps.enumerated() {
      events.append((step.start, true, number))
      events.append((step.end, false, number))
      let needed = seconds(of: step)
      require(Double(step.end - step.start) >= needed * 1e6 * (1 - 1e-9) - 1, "step \(number) is too short")
      makespan = max(makespan, Double(step.end) / 1e6)
      if step.kind == .migrate { migrations += 1 }
      if step.kind == .suspend { suspends += 1 }
    }
    // At one moment, what ends frees before anything starts.
    events.sort {
      $0.time != $1.time ? $0.time < $1.time : $0.isStart != $1.isStart ? !$0.isStart : $0.step < $1.step
    }
    for event in events {
      let step = solution.steps[event.step]
      let memory = problem.vms[step.vm].memory
      if event.isStart {
        require(step.source == at[step.vm], "step \(event.step) begins where its machine is not")
        require(
          step.after < 0 || solution.steps[step.after].end <= step.start, "step \(event.step) begins too early")
        if step.kind == .suspend { inStorage += 1 }
        mostSuspended = max(mostSuspended, inStorage)
        if step.source >= 0 {
          outgoing[step.source] -= 1
          require(outgoing[step.source] >= 0, "too many leave host \(step.source)")
        }
        if step.destination >= 0 {
          incoming[step.destination] -= 1
          free[step.destination] -= memory
          require(incoming[step.destination] >= 0, "too many arrive at host \(step.destination)")
          require(free[step.destination] >= 0, "no memory on host \(step.destination) for step \(event.step)")
        }
        // On its way it is nowhere: a second step of its own may not begin.
        at[step.vm] = -2
      } else {
        if step.source >= 0 {
          outgoing[step.source] += 1
          free[step.source] += memory
        }
        if step.destination >= 0 { incoming[step.destination] += 1 }
        if step.kind == .restore { inStorage -= 1 }
        at[step.vm] = step.destination
      }
    }
    for vm in at.indices { require(at[vm] == host[vm], "machine \(vm) does not end where the plan says") }
    let most = mostSuspended
    require(most <= problem.maxSuspended, "\(most) machines are suspended at a time")
    require(suspends == 0 || problem.storage > 0, "machines are suspended although they may not be")
    extraMoves = max(0, migrations + suspends - neededMoves)
    makespanBound = portBound()
  }

  private var neededMoves: Int {
    switch problem.task {
    case .rearrange: return solution.placements.count
    case .evacuate(let evacuation): return evacuation.moving.count { isMoved[$0] }
    }
  }

  private func seconds(of step: Solution.Step) -> Double {
    let bytes = Double(problem.vms[step.vm].memory) * 1024
    guard step.kind == .migrate else { return problem.overhead + bytes / Double(max(1, problem.storage)) }
    return seconds(of: step.vm, from: step.source, to: step.destination)
  }

  private func seconds(of vm: Int, from source: Int, to destination: Int) -> Double {
    let (from, to) = (problem.hosts[source], problem.hosts[destination])
    let rate = min(Double(from.bandwidth) / Double(from.outbound), Double(to.bandwidth) / Double(to.inbound))
    let resent = min(0.8, Double(problem.vms[vm].dirty) / rate)
    return problem.overhead + Double(problem.vms[vm].memory) * 1024 / (1 - resent) / rate
  }

  private func portBound() -> Double {
    var out = [Double](repeating: 0, count: problem.hosts.count)
    var into = out
    var longest = 0.0
    for placement in solution.placements {
      let source = problem.vms[placement.vm].host
      let time = seconds(of: placement.vm, from: source, to: placement.destination)
      out[source] += time
      into[placement.destination] += time
      longest = max(longest, time)
    }
    for host in out.indices {
      longest = max(
        longest, out[host] / Double(problem.hosts[host].outbound), into[host] / Double(problem.hosts[host].inbound))
    }
    return longest
  }
}
