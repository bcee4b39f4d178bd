import ClusterModel
import MigfraProtocol

/// The reports that `docs/schema/report.schema.json` describes, by the names of its definitions.
enum ReportKind: String, CaseIterable {
  case state, progress, coordinator, node, event, plan, process

  /// A random one, as our programs send it.
  func encoded(_ random: inout RandomMessages) -> [UInt8] {
    switch self {
    case .state: random.hostReport().encoded()
    case .progress: random.progress().encoded()
    case .coordinator:
      CoordinatorReport(
        isOnline: random.flip(), epoch: random.next(), version: random.text(), journal: random.maybe { $0.text() }
      ).encoded()
    case .node: random.nodeReport().encoded()
    case .event: random.news().encoded()
    case .plan: random.planReport().encoded()
    case .process: PscomProcessReport(random.one(of: PscomProcessReport.State.allCases)).encoded()
    }
  }

  /// What our programs write of what they have read.
  func passed(_ payload: [UInt8]) throws -> [UInt8] {
    switch self {
    case .state: try HostReport.decode(payload).encoded()
    case .progress: try MigrationProgress.decode(payload).encoded()
    case .coordinator: try CoordinatorReport.decode(payload).encoded()
    case .node: try NodeReport.decode(payload).encoded()
    case .event: try CoordinatorNews.decode(payload).encoded()
    case .plan: try PlanReport.decode(payload).encoded()
    case .process: try PscomProcessReport.decode(payload).encoded()
    }
  }
}
