public import ClusterModel
import MigfraProtocol

/// What an exchange tells while it goes on.
extension SwapMachine {
  public func report(at now: Moment) -> PlanReport {
    let all = isOver ? past : past + steps
    var report = PlanReport(
      id: id, operation: .exchange, state: reportedState, reason: words, task: task.id,
      moves: all.map { $0.migration.report(stage: $0.stage.reported, at: now) },
      seconds: (now.uptime - began).inSeconds)
    report.requester = task.requester
    report.purpose = task.reason
    report.began = beganAt
    if isOver { report.ended = now.unixTime }
    report.remainingSeconds =
      isOver ? nil : MigrationMachine.remainingSeconds(of: all.map(\.migration), since: began, at: now)
    return report
  }

  private var reportedState: PlanReport.State {
    switch state {
    case .exchanged: .done
    case .failed: cancels.isEmpty ? .failed : .cancelled
    default: cancels.isEmpty ? .running : .cancelling
    }
  }

  private var words: String {
    let (first, second) = (ways[0].vm.name, ways[1].vm.name)
    return switch state {
    case .crossing: "\(first) and \(second) move at the same time"
    case .returning: "the other could not move: back home"
    case .saving: "\(ways[smaller].vm.name) is saved to make room"
    case .carrying: "\(ways[1 - smaller].vm.name) moves while \(ways[smaller].vm.name) is saved"
    case .restoring: "\(ways[smaller].vm.name) is restored"
    case .carryingBack: "\(ways[1 - smaller].vm.name) goes back home"
    case .bringingHome: "\(ways[smaller].vm.name) is started where it was"
    case .exchanged: "\(first) and \(second) are exchanged"
    case .failed: "not exchanged: \(whereabouts)"
    }
  }
}

extension SwapMachine.Step.Stage {
  fileprivate var reported: PlanReport.Move.Stage? {
    switch self {
    case .whole: nil
    case .back: .back
    case .save: .save
    case .restore: .restore
    case .goHome: .goHome
    }
  }
}
