import ClusterModel
import MigfraProtocol

/// Hosts that take no arrivals, by an operator's word.
extension CoordinatorMachine {
  mutating func cordon(
    _ host: HostName, reason: String, task: TaskMessage, from arrival: TaskArrival
  ) -> [CoordinatorEffect] {
    var effects: [CoordinatorEffect] = []
    let state = nodes[host]?.state ?? .active
    if state == .active { effects.append(set(host, to: .cordoned, because: reason)) }
    let details = state == .active ? "\(host) takes no arrivals" : "\(host) is \(state.rawValue) already"
    effects.append(
      answer(
        task,
        with: TaskResult(title: .nodeCordoned, id: task.id, scheduler: "global", status: .success, details: details),
        to: arrival))
    return effects
  }

  mutating func uncordon(_ host: HostName, task: TaskMessage, from arrival: TaskArrival) -> [CoordinatorEffect] {
    if let running = evacuations.first(where: { $0.empties(host) }) {
      return [refuse(task, .wrongState, "\(host) is being emptied by plan \(running.id)", to: arrival)]
    }
    if let running = rearrangements.first(where: { $0.subject.host == host }) {
      return [refuse(task, .wrongState, "\(host) is being restored by plan \(running.id)", to: arrival)]
    }
    return [
      set(host, to: .active, because: "uncordoned"),
      answer(
        task,
        with: TaskResult(
          title: .nodeUncordoned, id: task.id, scheduler: "global", status: .success, details: "\(host) takes arrivals"),
        to: arrival),
    ]
  }
}
