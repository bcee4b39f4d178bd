import ClusterModel
import MigfraProtocol

/// Which migrations begin: those that have a slot and a share of the link at both ends, and a destination that can receive
/// now.
extension CoordinatorMachine {
  /// Gives free slots and links to waiting migrations. The evacuation that was served longest ago comes first, so that
  /// none starves.
  mutating func startWaiting(at now: Moment) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    var slots = takenSlots(at: now)
    var moving = movingMachines
    let held = heldMachines
    while let (index, uuid) = next(within: slots, besides: moving, held) {
      guard let move = start(uuid, in: index, at: now, &effects) else { continue }
      slots.take(flow(move, evacuations[index].bandwidth))
      moving.insert(move.vm.uuid)
    }
    return effects + watchLinks(at: now)
  }

  /// By UUID: a machine that another evacuation still moves is not touched by a second one. Between two steps of an
  /// exchange its machines are nobody else's either.
  private var movingMachines: Set<String> {
    let migrations = evacuations.flatMap(\.migrations)
    let moving = migrations.lazy.filter { $0.task != nil }.map(\.move.vm.uuid)
    let exchanged = swaps.lazy.flatMap(\.ways).map(\.vm.uuid)
    let rearranged = rearrangements.lazy.flatMap(\.steps).map(\.migration.move.vm.uuid)
    return Set(moving).union(exchanged).union(rearranged)
  }

  private func next(
    within slots: MigrationSlots, besides moving: Set<String>, _ held: [String: PlanID]
  ) -> (index: Int, uuid: String)? {
    var best: (index: Int, uuid: String)?
    for (index, evacuation) in evacuations.enumerated() {
      if let best, evacuations[best.index].lastTurn <= evacuation.lastTurn { continue }
      let ready = Set(
        evacuation.request.sources.filter { source in
          roster.isOnline(source) && slots.hasOutgoingSlot(source, isLinkKnown: linkRate(of: source) != nil)
        })
      guard !ready.isEmpty else { continue }
      let busy = moving.union(held.filter { $0.value != evacuation.id }.keys)
      guard
        let migration = evacuation.candidates.first(where: { migration in
          ready.contains(migration.move.source) && !busy.contains(migration.move.vm.uuid)
            && slots.admits(flow(migration.move, evacuation.bandwidth))
            && evacuation.mayBegin(migration.move.vm.uuid, besides: busy, with: roster)
        })
      else { continue }
      best = (index, migration.move.vm.uuid)
    }
    return best
  }

  /// Starts one migration. If its destination cannot take it now it is sent elsewhere, and waits for a slot there; if
  /// there is no other place it is tried again later. nil: it was not started.
  private mutating func start(
    _ uuid: String, in index: Int, at now: Moment, _ effects: inout [CoordinatorEffect]
  ) -> Plan.Move? {
    let evacuation = evacuations[index]
    guard let migration = evacuation.migrations.first(where: { $0.move.vm.uuid == uuid && !$0.isFinal }) else {
      return nil
    }
    let (vm, destination) = (migration.move.vm.name, migration.move.destination)
    if let hindrance = hindrance(
      to: migration.move, isNamed: evacuation.request.destinations.contains(destination),
      mayOverbook: evacuation.request.overbooking, cpuRatio: evacuation.request.cpuRatio)
    {
      let plan = Planner.plan(evacuation.request, on: snapshot(), only: [uuid], excluding: [destination])
      if let other = plan.moves.first?.destination {
        _ = evacuations[index].withMigration(of: uuid) { $0.redirect(to: other) }
        return nil
      }
      let details =
        "\(destination) cannot receive now: \(hindrance); \(plan.unplaced.first?.details ?? "\(vm) is gone")"
      let consequence = evacuations[index].withMigration(of: uuid) { $0.postpone(details: details) }
      effects.append(
        .note(
          Note(
            .warning, "a migration could not begin",
            ["vm": vm.rawValue, "plan-id": evacuation.id.rawValue, "cause": details])))
      if case .retry(let pause, let generation, _) = consequence {
        effects.append(.setTimer(.retry(evacuation.id, uuid, generation: generation), after: pause))
      }
      return nil
    }
    if let gang = evacuation.gangs.firstIndex(where: { $0.phase == .waiting && $0.concerns(uuid) }) {
      effects += close(gang, of: index, at: now)
      return nil
    }
    let order = evacuations[index].order(migration.move, patience: configuration.workerPatience, at: now)
    _ = evacuations[index].withMigration(of: uuid) { $0.start(as: order.id, at: now) }
    turns += 1
    evacuations[index].lastTurn = turns
    effects.append(.send(order.message, to: migration.move.source))
    if unpublished.insert(evacuation.id).inserted {
      effects.append(.setTimer(.publish(evacuation.id), after: .milliseconds(50)))
    }
    return migration.move
  }

  /// Why the destination cannot take the machine now; what is only planned to go there does not count.
  ///
  /// - Parameter cpuRatio: the most virtual CPUs for each CPU, if that may be more than one; nil: any number.
  func hindrance(to move: Plan.Move, isNamed: Bool, mayOverbook: Bool, cpuRatio: Double? = nil) -> String? {
    guard let report = roster[move.destination] else { return "its worker is not known" }
    if let obstacle = obstacle(at: report),
      obstacle.kind == .absolute || !isNamed
    {
      return obstacle.description
    }
    let here = report.vms.filter { $0.state.isActive || $0.state == .arriving }
    let coming = evacuations.lazy.flatMap(\.migrations).filter { other in
      other.move.destination == move.destination && (other.isMoved || other.task != nil)
    }
    let exchanged = swaps.filter { $0.concerns(move.destination) }.flatMap(\.ways)
    let arrived = rearrangements.flatMap(\.arrivals).filter { $0.host == move.destination }
    let ours = coming.map(\.move.vm) + exchanged.map(\.vm) + arrived.map(\.vm)
    let others = (here + ours.filter { vm in !here.contains { $0.uuid == vm.uuid } }).filter { $0.uuid != move.vm.uuid }
    let memory = report.capacity.memoryKiB - others.reduce(0) { $0 + $1.memoryKiB }
    if memory < move.vm.memoryKiB { return "it has only \(SizeText.kibibytes(max(0, memory))) of memory left" }
    let most = mayOverbook ? report.capacity.virtualCPUs(atMost: cpuRatio) : report.capacity.cpus
    let cpus = most - others.reduce(0) { $0 + $1.vcpus }
    return cpus < move.vm.vcpus ? "it has only \(max(0, cpus)) CPUs left" : nil
  }
}
