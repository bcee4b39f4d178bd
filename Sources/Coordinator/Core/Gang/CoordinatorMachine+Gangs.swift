import ClusterModel
import MigfraProtocol

/// How gangs go on: their orders are sent, and their holds renewed.
extension CoordinatorMachine {
  /// Machines that are held, by UUID, and for which evacuation.
  var heldMachines: [String: PlanID] {
    var held: [String: PlanID] = [:]
    for evacuation in evacuations {
      for gang in evacuation.gangs where gang.isActive {
        for member in gang.members where gang.holds(member.uuid) { held[member.uuid] = evacuation.id }
      }
    }
    return held
  }

  /// One of the gang's machines may move.
  mutating func close(_ gang: Int, of index: Int, at now: Moment) -> [CoordinatorEffect] {
    let orders = evacuations[index].close(gang, patience: configuration.workerPatience, at: now)
    turns += 1
    evacuations[index].lastTurn = turns
    let (id, job) = (evacuations[index].id, evacuations[index].gangs[gang].job)
    return [note(evacuations[index].gangs[gang], of: id)] + send(orders)
      + [.setTimer(.renewHolds(id, job), after: Gang.renewal)]
  }

  /// Gangs go on with what is known now.
  /// - Parameter hasChanged: becomes true if one has come to another phase.
  mutating func advanceGangs(_ hasChanged: inout Bool, at now: Moment) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    for index in evacuations.indices {
      let (orders, changed) = evacuations[index].advanceGangs()
      effects += changed.map { note($0, of: evacuations[index].id) } + send(orders)
      guard !changed.isEmpty else { continue }
      hasChanged = true
      effects.append(.publishPlan(evacuations[index].report(at: now)))
    }
    return effects
  }

  mutating func renewHolds(of plan: PlanID, _ job: JobName, at now: Moment) -> [CoordinatorEffect] {
    guard let index = evacuations.firstIndex(where: { $0.id == plan }),
      let gang = evacuations[index].gangs.firstIndex(where: { $0.job == job && $0.isActive })
    else { return [] }
    let orders = evacuations[index].gangs[gang].renew(at: now)
    return send(orders) + [.setTimer(.renewHolds(plan, job), after: Gang.renewal)]
  }

  func send(_ orders: [Gang.Order]) -> [CoordinatorEffect] { orders.map { .send($0.message, to: $0.host) } }

  private func note(_ gang: Gang, of plan: PlanID) -> CoordinatorEffect {
    var metadata = [
      "plan-id": plan.rawValue, "job": gang.job.rawValue, "vms": gang.vms.map(\.rawValue).joined(separator: " "),
    ]
    if let flaw = gang.flaw { metadata["cause"] = flaw }
    let words =
      switch gang.phase {
      case .waiting, .closing: "a job is being suspended, to move as one"
      case .moving: "a job is suspended, and moves"
      case .opening where gang.flaw != nil: "a job could not be suspended, and stays"
      case .opening: "a job is being resumed"
      case .over: "a job has been resumed"
      }
    return .note(Note(gang.flaw == nil ? .info : .warning, words, metadata))
  }
}
