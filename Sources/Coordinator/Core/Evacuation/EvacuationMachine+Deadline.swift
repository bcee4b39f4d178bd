import ClusterModel
import MigfraProtocol

/// What an evacuation does when it should be over and is not.
extension EvacuationMachine {
  /// Until the deadline; nil: there is none, or it has passed.
  func timeLeft(at now: Moment) -> Duration? {
    guard let deadline = evacuation?.deadline, !isPastDeadline else { return nil }
    return max(.zero, began + .seconds(deadline.seconds) - now.uptime)
  }

  /// How machines travel from now on.
  var type: MigrationType {
    isPastDeadline && evacuation?.deadline?.policy == .warm && request.migrationType == .live
      ? .warm : request.migrationType
  }

  /// Nothing more is begun, and what failed is not tried again.
  var isClosing: Bool { state == .cancelling || isPastDeadline && evacuation?.deadline?.policy == .report }

  /// It should be over: what is under way is taken back. By `report` it stays so; by `warm` it begins anew.
  /// - Returns: the orders that are to be taken back, and the hosts whose workers have them.
  mutating func passDeadline() -> [(id: TaskID, host: HostName)] {
    guard state == .draining, !isPastDeadline else { return [] }
    isPastDeadline = true
    endWhatWaits()
    return openCancels
  }

  /// Takes a worker's answer; nil: it answers nothing that runs.
  mutating func finish(
    _ task: TaskID, of uuid: String, with outcome: VMOutcome, at now: Moment
  ) -> MigrationMachine.Consequence? {
    let wasTakenBack = outcome.code == .cancelled && isPastDeadline && state == .draining && !isClosing
    return withMigration(of: uuid) { migration in
      wasTakenBack && migration.beginAnew(task) ? .done : migration.finish(task, with: outcome, at: now)
    } ?? nil
  }
}

extension CoordinatorMachine {
  mutating func passDeadline(of plan: PlanID, at now: Moment) -> [CoordinatorEffect] {
    guard let index = evacuations.firstIndex(where: { $0.id == plan }),
      let left = evacuations[index].timeLeft(at: now)
    else { return [] }
    // The clock may have begun anew since the timer was set.
    guard left <= .zero else { return [.setTimer(.deadline(plan), after: left)] }
    let orders = evacuations[index].passDeadline()
    let metadata = ["plan-id": plan.rawValue, "hosts": evacuations[index].request.sourceList]
    return [
      .note(Note(.warning, "the deadline of an evacuation has passed", metadata)),
      .publishPlan(evacuations[index].report(at: now)),
    ] + send(cancelsOf: orders) + advance(at: now)
  }
}
