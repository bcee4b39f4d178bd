public import ClusterModel
import MigfraProtocol

/// When an evacuation is over, and how it ended.
extension EvacuationMachine {
  /// How far the end is.
  public enum Settlement: Sendable, Equatable {
    case moving
    /// Every migration has an end, and the hosts' reports lag behind; `isNew`: since just now.
    case waitingForReports(isNew: Bool)
    case over
  }

  /// Looks whether it is over: every migration has an end, no job is suspended any more, and the sources' own reports show what is left.
  ///
  /// - Parameter expected: machines that were moved to a source and that its report does not show yet.
  public mutating func settle(
    with roster: WorkerRoster, expecting expected: [HostName: [VMName]] = [:], at now: Moment
  ) -> Settlement {
    guard !state.isFinal else { return .over }
    guard migrations.allSatisfy(\.isFinal), gangs.allSatisfy({ $0.phase == .over }) else {
      settlingSince = nil
      return .moving
    }
    let isNew = settlingSince == nil
    let since = settlingSince ?? now.uptime
    settlingSince = since
    let rests = request.sources.map { rest(of: $0, in: roster, expecting: expected[$0] ?? []) }
    let arrived = migrations.allSatisfy { migration in
      let (uuid, move) = (migration.move.vm.uuid, migration.move)
      return !migration.isMoved || roster.shows(uuid, activeOn: move.destination)
        || roster.shows(uuid, activeAwayFrom: move.source)
    }
    guard (arrived && rests.allSatisfy(\.isSettled)) || now.uptime - since >= Self.settlingPatience else {
      return .waitingForReports(isNew: isNew)
    }
    end(with: rests)
    return .over
  }

  /// What became of the machines of one source that were not moved.
  private struct Rest {
    var source: HostName
    var isOnline: Bool
    /// On the source, as its report shows and for a reason that is known.
    var stayed: Set<VMName> = []
    /// Nobody can say where they are.
    var inDoubt: Set<VMName> = []
    /// Ended, or left without us.
    var gone: Set<VMName> = []
    /// The source's report shows them, or will, and they should not be there.
    var ghosts: [VMName] = []

    var isSettled: Bool { ghosts.isEmpty && (isOnline || !stayed.isEmpty || !inDoubt.isEmpty) }
    var isEmpty: Bool { isOnline && stayed.isEmpty && inDoubt.isEmpty && ghosts.isEmpty }
  }

  private func rest(of source: HostName, in roster: WorkerRoster, expecting expected: [VMName]) -> Rest {
    let vms = roster[source]?.vms ?? []
    let active = Set(vms.filter(\.state.isActive).map(\.name))
    let left = unplaced.filter { $0.source == source }.map(\.vm.name)
    var rest = Rest(source: source, isOnline: roster.isOnline(source))
    rest.stayed = active.intersection(left)
    rest.gone = Set(left).subtracting(active)
    for migration in migrations where migration.move.source == source {
      guard case .failed(let code) = migration.state else { continue }
      let vm = migration.move.vm.name
      switch (code, active.contains(vm)) {
      // The worker says that it does not run there: the report lags behind.
      case (.notFound, true), (.wrongState, true): break
      case (_, true): rest.stayed.insert(vm)
      case (.inDoubt, false), (.noWorker, false): rest.inDoubt.insert(vm)
      case (_, false): rest.gone.insert(vm)
      }
    }
    rest.ghosts =
      vms.map(\.name).filter { active.contains($0) && !rest.stayed.contains($0) }
      + vms.filter { $0.state == .arriving }.map(\.name) + expected
    return rest
  }

  private mutating func end(with rests: [Rest]) {
    let moved = migrations.count(where: \.isMoved)
    emptied = rests.filter(\.isEmpty).map(\.source)
    let isEmpty = emptied.count == rests.count
    let inDoubt = rests.reduce(0) { $0 + $1.inDoubt.count }
    let gone = rests.reduce(0) { $0 + $1.gone.count }
    var parts = ["\(moved) moved"]
    if !isEmpty { parts.append("\(rests.reduce(0) { $0 + $1.stayed.count }) stayed") }
    if inDoubt > 0 { parts.append("\(inDoubt) in doubt") }
    if gone > 0 { parts.append("\(gone) ended meanwhile") }
    reason = isEmpty && moved == 0 && gone == 0 ? "there was nothing to move" : parts.joined(separator: ", ")
    if isPastDeadline, let deadline = evacuation?.deadline {
      reason += "; the deadline of \(deadline.seconds) s has passed"
    }
    for rest in rests {
      if !rest.ghosts.isEmpty {
        reason += "; \(rest.source) still reports " + rest.ghosts.map(\.rawValue).joined(separator: ", ")
      } else if !rest.isOnline {
        reason += "; the worker of \(rest.source) is offline"
      }
    }
    if isEmpty {
      state = .drained
    } else if state == .cancelling {
      reason = "cancelled: \(reason)"
      state = .cancelled
    } else {
      state = moved > 0 || !emptied.isEmpty && rests.count > 1 ? .partial : .failed
    }
  }

  /// How long the hosts' reports may lag behind the workers' answers.
  public static let settlingPatience = Duration.seconds(10)
}
