import ClusterModel
import MigfraProtocol

/// Machines of one job among those that are evacuated.
extension EvacuationMachine {
  /// Migrations that may begin, the first of them first.
  ///
  /// One gang moves at a time, so that its job stands still for as short as can be: its members go before all others, and
  /// while its connections are being closed nothing else takes its slots. A gang is one thing that is under way: a pause
  /// lets it come to its end.
  var candidates: [MigrationMachine] {
    let waiting = migrations.filter { $0.state == .waiting }
    guard let gang = gangs.first(where: \.isMoving) else { return isPaused ? [] : waiting }
    let members = gang.phase == .moving ? waiting.filter { gang.concerns($0.move.vm.uuid) } : []
    guard !isPaused else { return members }
    let kept = gang.phase == .closing ? Set(gang.members.map(\.source)) : []
    return members
      + waiting.filter { migration in
        !kept.contains(migration.move.source) && !gangs.contains { $0.concerns(migration.move.vm.uuid) }
      }
  }

  /// Whether the machine belongs to no gang that has to be held before, or all of that one could be held now.
  func mayBegin(_ uuid: String, besides busy: Set<String>, with roster: WorkerRoster) -> Bool {
    guard let gang = gangs.first(where: { $0.phase == .waiting && $0.concerns(uuid) }) else { return true }
    let ended = endedMachines
    return gang.members.allSatisfy { member in
      ended.contains(member.uuid) || roster.isOnline(member.source) && !busy.contains(member.uuid)
    }
  }

  private var endedMachines: Set<String> { Set(migrations.filter(\.isFinal).map(\.move.vm.uuid)) }

  /// One of the gang's machines may move: all are to be held first.
  mutating func close(_ gang: Int, patience: Duration, at now: Moment) -> [Gang.Order] {
    gangs[gang].close(besides: endedMachines, patience: patience, at: now)
  }

  /// Takes an answer to an order of a gang; false: it is none.
  mutating func finishGangOrder(_ task: TaskID, with outcome: VMOutcome) -> Bool {
    guard let index = gangs.firstIndex(where: { $0.hasOrder(task) }) else { return false }
    return gangs[index].finish(task, with: outcome)
  }

  /// Gangs go on with what is known now.
  /// - Returns: orders, and the gangs that have come to another phase.
  mutating func advanceGangs() -> (orders: [Gang.Order], changed: [Gang]) {
    var orders: [Gang.Order] = []
    var changed: [Gang] = []
    for index in gangs.indices where gangs[index].phase != .over {
      var gang = gangs[index]
      for member in gang.lost {
        let details = "\(member.vm) does not run on \(member.source) any more"
        _ = withMigration(of: member.uuid) { $0.task == nil ? $0.fail(.notFound, details: details) : () }
      }
      if gang.phase == .closing, let flaw = gang.flaw {
        let details = "the job \(gang.job) could not be suspended, and all of it stays: \(flaw)"
        for member in gang.members {
          _ = withMigration(of: member.uuid) { $0.fail(.pscom, details: details) }
        }
      }
      orders += gang.advance(ended: endedMachines)
      if gang.phase != gangs[index].phase { changed.append(gang) }
      if gang != gangs[index] { gangs[index] = gang }
    }
    return (orders, changed)
  }

  /// The worker of a source is lost, and its migrations are given up.
  mutating func giveUpGangs(on host: HostName) -> [Gang.Order] {
    let moved = migrations.filter(\.isMoved).map { ($0.move.vm.uuid, $0.move.destination) }
    let whereabouts = Dictionary(moved) { $1 }
    return gangs.indices.flatMap { gangs[$0].giveUp(host, whereabouts: whereabouts) }
  }
}
