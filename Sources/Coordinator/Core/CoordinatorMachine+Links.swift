import ClusterModel
import MigfraProtocol

/// What the migrations under way do to the links of hosts.
extension CoordinatorMachine {
  /// So long before a machine's memory is copied the next one begins to prepare.
  private static let preparation = Duration.milliseconds(500)

  /// The slots and links that are taken now.
  func takenSlots(at now: Moment) -> MigrationSlots {
    var slots = MigrationSlots(configuration.limits)
    for evacuation in evacuations {
      for migration in evacuation.migrations {
        guard let task = migration.task else { continue }
        slots.take(flow(migration.move, evacuation.bandwidth), isCopied: isCopied(task, at: now))
      }
    }
    for step in swaps.lazy.flatMap(\.steps) {
      guard let task = step.migration.task else { continue }
      slots.take(flow(step.migration.move, nil), isCopied: isCopied(task, at: now))
    }
    for rearrangement in rearrangements {
      for step in rearrangement.steps {
        guard let task = step.migration.task else { continue }
        let flow = flow(step.migration.move, rearrangement.way.tuning.bandwidth)
        slots.take(flow, isCopied: step.stage != nil || isCopied(task, at: now))
      }
    }
    return slots
  }

  /// - Parameter limit: what its task allows, MiB/s.
  func flow(_ move: Plan.Move, _ limit: Int?) -> MigrationSlots.Flow {
    MigrationSlots.Flow(
      source: move.source, destination: move.destination, sourceRate: linkRate(of: move.source),
      destinationRate: linkRate(of: move.destination), bytes: Double(move.vm.memoryKiB) * 1024,
      limit: limit.map { Double($0 << 20) })
  }

  /// Bytes per second; nil: not known.
  func linkRate(of host: HostName) -> Double? {
    (roster[host]?.capacity.bandwidthMiB ?? configuration.limits.bandwidthMiB).map { Double($0 << 20) }
  }

  private func isCopied(_ task: TaskID, at now: Moment) -> Bool {
    copyEnds[task].map { $0 - Self.preparation <= now.uptime } ?? false
  }

  /// Takes note of when a machine's memory will have been copied.
  mutating func expectEnd(by progress: MigrationProgress, at now: Moment) {
    guard let task = progress.task else { return }
    switch progress.phase {
    case .verifying: copyEnds[task] = now.uptime
    case .copying: copyEnds[task] = progress.remainingSeconds.map { now.uptime + .seconds(min($0, 1e6)) }
    case .preparing, .suspendingJob, .saving, .restoring: copyEnds[task] = nil
    }
  }

  /// Has a look when the next link will be free for a machine that waits.
  mutating func watchLinks(at now: Moment) -> [CoordinatorEffect] {
    let evacuating = evacuations.flatMap(\.migrations)
    let rearranging = rearrangements.flatMap(\.steps).map(\.migration)
    let running = Set((evacuating + rearranging + swaps.flatMap(\.steps).map(\.migration)).compactMap(\.task))
    copyEnds = copyEnds.filter { running.contains($0.key) }
    guard (evacuating + rearranging).contains(where: { $0.state == .waiting }),
      let next = copyEnds.values.map({ $0 - Self.preparation }).filter({ $0 > now.uptime }).min(),
      nextLook.map({ next < $0 || $0 <= now.uptime }) ?? true
    else { return [] }
    nextLook = next
    return [.setTimer(.linkFree, after: next - now.uptime)]
  }

  /// The timer of a look fired; an earlier one may have been set after it.
  mutating func linkIsFree(at now: Moment) -> [CoordinatorEffect] {
    if let due = nextLook, due <= now.uptime { nextLook = nil }
    return advance(at: now)
  }
}

extension EvacuationMachine {
  /// What each of its migrations may use of a link at most, MiB/s.
  var bandwidth: Int? {
    evacuation?.tuning.bandwidth
  }
}
