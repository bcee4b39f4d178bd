import ClusterModel
import MigfraProtocol

/// Exchanges of two machines.
extension CoordinatorMachine {
  /// Begins an exchange, or says why it cannot be.
  mutating func swap(
    _ wish: VMMigration, with partner: SwapPartner, on host: HostName, task: TaskMessage, from arrival: TaskArrival,
    at now: Moment
  ) -> [CoordinatorEffect] {
    switch prepareSwap(wish, with: partner, on: host) {
    case .failure(let flaw): return [refuse(task, flaw.code, flaw.details, to: arrival)]
    case .success(let pair):
      let ways = [
        Plan.Move(vm: pair.first, source: host, destination: wish.destination),
        Plan.Move(vm: pair.second, source: wish.destination, destination: host),
      ]
      let swap = SwapMachine(
        id: nextPlan(), task: task, arrival: arrival, ways: ways, isBeside: pair.isBeside,
        type: wish.type ?? configuration.migrationType, retries: wish.retries ?? configuration.retries, at: now)
      swaps.append(swap)
      let metadata = [
        "plan-id": swap.id.rawValue, "vm": wish.vm.rawValue, "host": host.rawValue, "partner": partner.vm.rawValue,
        "destination": wish.destination.rawValue, "way": pair.isBeside ? "at the same time" : "by way of storage",
      ]
      return [.note(Note(.info, "exchange begins", metadata)), .publishPlan(swap.report(at: now))] + advance(at: now)
    }
  }

  private func prepareSwap(
    _ wish: VMMigration, with partner: SwapPartner, on host: HostName
  ) -> Result<(first: VirtualMachine, second: VirtualMachine, isBeside: Bool), Flaw> {
    guard wish.destination != host else {
      return .failure(Flaw(.destination, "'\(wish.vm)' is to be exchanged on \(host) itself"))
    }
    let cluster = snapshot()
    func machine(_ name: VMName, on host: HostName) -> Result<(VirtualMachine, ClusterSnapshot.Host), Flaw> {
      guard let found = cluster.hosts.first(where: { $0.name == host }) else {
        return .failure(Flaw(.noWorker, "unknown host '\(host)': no worker of that name has ever reported"))
      }
      if let obstacle = found.obstacle, obstacle.kind == .absolute {
        return .failure(Flaw(.wrongState, "\(host) cannot take part: \(obstacle.description)"))
      }
      guard let vm = found.vms.first(where: { $0.name == name }) else {
        return .failure(Flaw(.notFound, "Domain not found: no domain with matching name '\(name)' runs on \(host)"))
      }
      guard !isMoving(vm.uuid) else { return .failure(Flaw(.wrongState, "\(name) is being moved already")) }
      return .success((vm, found))
    }
    return machine(wish.vm, on: host).flatMap { first, here in
      machine(partner.vm, on: wish.destination).flatMap { second, there in
        var isBeside = true
        for (vm, target, leaving) in [(first, there, second), (second, here, first)] {
          let free = target.capacity.memoryKiB - target.usedMemoryKiB
          isBeside = isBeside && free >= vm.memoryKiB
          guard free + leaving.memoryKiB >= vm.memoryKiB else {
            return .failure(
              Flaw(
                .capacity,
                "\(vm.name) needs \(SizeText.kibibytes(vm.memoryKiB)) of memory on \(target.name), which has "
                  + "\(SizeText.kibibytes(max(0, free + leaving.memoryKiB))) even without \(leaving.name); nothing was moved"
              ))
          }
          let cpus = target.usedVCPUs - leaving.vcpus + vm.vcpus
          guard cpus <= max(target.capacity.cpus, target.usedVCPUs) || configuration.overbooking else {
            return .failure(
              Flaw(
                .capacity,
                "\(target.name) would have \(cpus) virtual CPUs on \(target.capacity.cpus); nothing was moved"))
          }
        }
        return .success((first, second, isBeside))
      }
    }
  }

  func isMoving(_ uuid: String) -> Bool {
    swaps.contains { $0.concerns(uuid) } || evacuations.contains { $0.concerns(uuid) }
      || rearrangements.contains { $0.concerns(uuid) }
  }

  mutating func finishSwap(
    _ index: Int, _ task: TaskID, with outcome: VMOutcome, at now: Moment
  ) -> [CoordinatorEffect] {
    guard let vm = swaps[index].machine(of: task) else { return [] }
    let plan = swaps[index].id
    var effects: [CoordinatorEffect] = []
    if !outcome.isSuccess {
      let metadata = ["vm": vm.name.rawValue, "plan-id": plan.rawValue, "cause": outcome.details ?? ""]
      effects.append(.note(Note(.warning, "a step of an exchange failed", metadata)))
    }
    if case .retry(let pause, let generation, _)? = swaps[index].finish(task, with: outcome, at: now) {
      effects.append(.setTimer(.retry(plan, vm.uuid, generation: generation), after: pause))
      swaps[index].endWhatWaits()
    }
    effects.append(.publishPlan(swaps[index].report(at: now)))
    return effects + advance(at: now)
  }

  /// Starts what waits, and answers what is over.
  mutating func advanceSwaps(at now: Moment) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    for index in swaps.indices {
      let orders = swaps[index].startWaiting(patience: configuration.workerPatience, at: now)
      effects += orders.map { .send($0.message, to: $0.host) }
    }
    for swap in swaps where swap.isOver {
      let level: Note.Level = swap.state == .exchanged ? .info : .warning
      effects += [
        .note(Note(level, "exchange ends", ["plan-id": swap.id.rawValue, "state": swap.state.rawValue])),
        .publishPlan(swap.report(at: now)),
      ]
      effects += keep(swap.id)
      effects.append(answer(swap.task, with: swap.answer(with: roster, at: now), to: swap.arrival))
      effects += answerCancels(
        swap.cancels, isCancelled: swap.state == .failed,
        details: swap.state == .failed ? "cancelled: \(swap.whereabouts)" : "both are exchanged")
    }
    swaps.removeAll(where: \.isOver)
    return effects
  }

  /// Exchanges with a host whose worker has been away for too long.
  mutating func giveUpSwaps(with host: HostName, details: String) {
    for index in swaps.indices where swaps[index].concerns(host) { swaps[index].giveUp(details: details) }
  }
}
