import ClusterModel
import MigfraProtocol

/// Machines that are on more than one host: found, told once, and told as gone. Nothing is done about them.
extension CoordinatorMachine {
  /// What is known of such machines now, by UUID.
  public var strays: [String: Stray] { strayCopies.told }

  /// What an event shows of them.
  mutating func lookForStrays(after event: CoordinatorEvent, at now: Moment) -> [CoordinatorEffect] {
    switch event {
    case .hostReported(let report): if let known = roster[report.host] { strayCopies.update(known) }
    case .migrationProgressed(let progress): strayCopies.excuse(progress.vm)
    case .timerFired(.strays): strayLook = nil
    case .nodeRecalled(let report):
      // Later the broker only repeats what this incarnation has said.
      if !hasCaughtUp { strayCopies.recall(report.strays, on: report.host) }
      return []
    case .workerAnswered, .taskReceived, .caughtUp, .timerFired: break
    case .taskUnreadable, .taskUndeliverable, .planRecalled, .originsRecalled: return []
    }
    let effects = reviewStrays(at: now)
    if case .caughtUp = event { return effects + confirmStrays() }
    return effects
  }

  private mutating func reviewStrays(at now: Moment) -> [CoordinatorEffect] {
    // Before all hosts have been heard, those that are missing would be taken for empty.
    guard hasCaughtUp, !isWaitingForReports, !strayCopies.isQuiet else { return [] }
    let before = strayCopies.told
    let outcome = strayCopies.review(
      patience: configuration.strayPatience, moving: machinesUnderWay, at: now.uptime)
    var effects = outcome.gone.map { CoordinatorEffect.note($0.gone) }
    effects += publishStrays(differingFrom: before)
    if outcome.asks { effects.append(.readUp) }
    if let due = outcome.due, strayLook.map({ due < $0 }) ?? true {
      strayLook = due
      effects.append(.setTimer(.strays, after: due - now.uptime))
    }
    return effects
  }

  /// Everything that the broker had has come.
  mutating func confirmStrays() -> [CoordinatorEffect] {
    let before = strayCopies.told
    let found = strayCopies.confirm()
    return found.map { .note($0.found) } + publishStrays(differingFrom: before)
  }

  /// Hosts whose copies are others now are told of anew.
  private func publishStrays(differingFrom before: [String: Stray]) -> [CoordinatorEffect] {
    let after = strayCopies.told
    let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
    let hosts = changed.flatMap { uuid in [before[uuid], after[uuid]].compactMap { $0 }.flatMap(\.places).map(\.host) }
    return Set(hosts).sorted().map { host in
      let node = nodes[host] ?? NodeReport(host: host, state: .active, reason: "")
      return .publishNode(withStrays(node))
    }
  }

  /// What is said of a host, with its copies of machines that are elsewhere too.
  func withStrays(_ node: NodeReport) -> NodeReport {
    var node = node
    node.strays = strayCopies.copies(on: node.host)
    return node
  }

  /// By UUID: a copy of these may be one on its way.
  private var machinesUnderWay: Set<String> {
    var moving = Set(evacuations.lazy.flatMap(\.migrations).filter { $0.task != nil }.map(\.move.vm.uuid))
    moving.formUnion(swaps.lazy.flatMap(\.ways).map(\.vm.uuid))
    moving.formUnion(rearrangements.lazy.flatMap(\.steps).map(\.migration.move.vm.uuid))
    return moving
  }
}
