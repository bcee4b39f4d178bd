import ClusterModel
import MigfraProtocol

/// Operations that begin nothing more for a while; what is under way comes to its end.
extension CoordinatorMachine {
  mutating func pause(
    _ target: TaskID, for task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    set(paused: true, target, for: task, from: arrival, at: now)
  }

  mutating func resume(
    _ target: TaskID, for task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    set(paused: false, target, for: task, from: arrival, at: now)
  }

  private mutating func set(
    paused: Bool, _ target: TaskID, for task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    let plan = PlanID(rawValue: target.rawValue)
    let report: PlanReport
    if let index = evacuations.firstIndex(where: { $0.task.id == target || $0.id == plan }) {
      evacuations[index].isPaused = paused
      report = evacuations[index].report(at: now)
    } else if let index = rearrangements.firstIndex(where: { $0.task.id == target || $0.id == plan }) {
      rearrangements[index].isPaused = paused
      report = rearrangements[index].report(at: now)
    } else if let swap = swaps.first(where: { $0.task.id == target || $0.id == plan }) {
      let details = "\(swap.id) is an exchange, and half of one helps nobody: let it end, or cancel it"
      return [refuse(task, .wrongState, details, to: arrival)]
    } else {
      return [refuseUnknown(target, for: task, to: arrival)]
    }
    let words = paused ? "begins nothing more until it is resumed" : "goes on"
    let result = TaskResult(
      title: task.kind.title, id: task.id, scheduler: "global", status: .success, details: "\(report.id) \(words)",
      plan: report.id)
    let note = Note(
      .info, paused ? "an operation is paused" : "an operation is resumed", ["plan-id": report.id.rawValue])
    return [.note(note), .publishPlan(report), answer(task, with: result, to: arrival)] + advance(at: now)
  }
}
