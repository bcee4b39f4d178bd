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

  /// Looks whether it is over: every migration has an end, and the source's own report shows what is left.
  ///
  /// - Parameter expected: machines that were moved to the source and that its report does not show yet.
  public mutating func settle(
    with roster: WorkerRoster, expecting expected: [VMName] = [], at now: Moment
  ) -> Settlement {
    guard !state.isFinal else { return .over }
    guard migrations.allSatisfy(\.isFinal) else {
      settlingSince = nil
      return .moving
    }
    let isNew = settlingSince == nil
    let since = settlingSince ?? now.uptime
    settlingSince = since
    let rest = rest(in: roster, expecting: expected)
    let arrived = migrations.allSatisfy { migration in
      let uuid = migration.move.vm.uuid
      return !migration.isMoved || roster.shows(uuid, activeOn: migration.move.destination)
        || roster.shows(uuid, activeAwayFrom: request.source)
    }
    let isSettled =
      rest.ghosts.isEmpty && arrived
      && (roster.isOnline(request.source) || !rest.stayed.isEmpty || !rest.inDoubt.isEmpty)
    guard isSettled || now.uptime - since >= Self.settlingPatience else {
      return .waitingForReports(isNew: isNew)
    }
    end(with: rest, isSourceOnline: roster.isOnline(request.source))
    return .over
  }

  /// What became of the machines that were not moved.
  private struct Rest {
    /// On the source, as its report shows and for a reason that is known.
    var stayed: Set<VMName> = []
    /// Nobody can say where they are.
    var inDoubt: Set<VMName> = []
    /// Ended, or left without us.
    var gone: Set<VMName> = []
    /// The source's report shows them, or will, and they should not be there.
    var ghosts: [VMName] = []
  }

  private func rest(in roster: WorkerRoster, expecting expected: [VMName]) -> Rest {
    let vms = roster[request.source]?.vms ?? []
    let active = Set(vms.filter(\.state.isActive).map(\.name))
    var rest = Rest()
    rest.stayed = active.intersection(unplaced.map(\.vm.name))
    rest.gone = Set(unplaced.map(\.vm.name)).subtracting(active)
    for migration in migrations {
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

  private mutating func end(with rest: Rest, isSourceOnline: Bool) {
    let moved = migrations.count(where: \.isMoved)
    let isEmpty = isSourceOnline && rest.stayed.isEmpty && rest.inDoubt.isEmpty && rest.ghosts.isEmpty
    var parts = ["\(moved) moved"]
    if !isEmpty { parts.append("\(rest.stayed.count) stayed") }
    if !rest.inDoubt.isEmpty { parts.append("\(rest.inDoubt.count) in doubt") }
    if !rest.gone.isEmpty { parts.append("\(rest.gone.count) ended meanwhile") }
    reason = isEmpty && moved == 0 && rest.gone.isEmpty ? "there was nothing to move" : parts.joined(separator: ", ")
    if !rest.ghosts.isEmpty {
      reason += "; \(request.source) still reports " + rest.ghosts.map(\.rawValue).joined(separator: ", ")
    } else if !isSourceOnline {
      reason += "; the worker of \(request.source) is offline"
    }
    if isEmpty {
      state = .drained
    } else if state == .cancelling {
      reason = "cancelled: \(reason)"
      state = .cancelled
    } else {
      state = moved > 0 ? .partial : .failed
    }
  }

  /// How long the hosts' reports may lag behind the workers' answers.
  public static let settlingPatience = Duration.seconds(10)
}
