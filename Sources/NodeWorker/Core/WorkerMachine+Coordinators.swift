import ClusterModel
import MigfraProtocol

/// Which coordinator is obeyed: of several only the newest, so that one that wakes up late, or runs on a copy of a
/// journal, moves nothing.
extension WorkerMachine {
  /// A coordinator has made itself known by its report, or by an order.
  mutating func learn(of epoch: Epoch?) -> [WorkerEffect] {
    guard let epoch, epoch > newestCoordinator else { return [] }
    newestCoordinator = epoch
    return [.rememberCoordinator(epoch)]
  }

  /// Tasks of schedulers have no epoch, and are nobody's orders.
  func isSuperseded(_ task: TaskMessage) -> Bool {
    task.epoch.map { $0 < newestCoordinator } ?? false
  }

  /// The refusal is not remembered: the newest coordinator may give the very same order, which then counts. It knows by
  /// the epoch that the refusal is not meant for it.
  func refuseSuperseded(_ task: TaskMessage, _ arrival: TaskArrival) -> WorkerEffect {
    let details =
      "not executed: it comes from the coordinator of epoch \(task.epoch ?? 0), and one of epoch \(newestCoordinator) has "
      + "replaced it; see that only one runs. If that one is gone for good with its journal, set the coordinator's clock "
      + "right and restart it"
    var refusal = TaskResult.refusal(of: task, code: .superseded, details: details)
    refusal.epoch = newestCoordinator
    return .answer(refusal, arrival)
  }
}
