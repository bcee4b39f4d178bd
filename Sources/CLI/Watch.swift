import ArgumentParser
import ClusterModel
import MessageBus
import MigfraProtocol
import Mosquitto

/// `migfra watch [ID]`
struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follows an operation to its end, whoever asked for it; without an id every one, until Ctrl-C.",
    discussion: "Exit codes: 0 all as it was wanted, 2 partly, 1 failed, cancelled or unknown.")

  @OptionGroup var program: ClientOptions

  @Argument(help: ArgumentHelp("The plan.", valueName: "id"))
  var id: String?

  func run() async throws {
    try await reporting(program) {
      try await BusClient.visit(program) { client in
        var displays: [PlanID: OperationDisplay] = [:]
        if let id, try await !client.plans().contains(where: { $0.id.rawValue == id }) {
          throw BusClient.Failure(description: "no plan '\(id)' is known; see 'migfra history'")
        }
        try await client.follow { report in
          guard id.map({ $0 == report.id.rawValue }) ?? true else { return true }
          let isKnown = displays[report.id] != nil
          // What had ended before is history.
          guard id != nil || isKnown || !report.state.isFinal else { return true }
          displays[report.id, default: OperationDisplay(isQuiet: program.json)].show(report)
          guard report.state.isFinal else { return true }
          displays[report.id]?.finish(report)
          displays[report.id] = nil
          guard id != nil else { return true }
          if program.json { try printJSON(OperationOutput(TaskResult(of: report), report)) }
          switch report.state {
          case .drained, .done, .planned: return false
          case .partial: throw Exit.partial
          default: throw Exit.error
          }
        }
      }
    }
  }
}

extension TaskResult {
  /// What a plan that has ended tells, in the place of the answer that went to somebody else.
  init(of report: PlanReport) {
    let status: TaskResult.Status =
      switch report.state {
      case .drained, .done, .planned: .success
      case .partial: .partial
      default: .error
      }
    self.init(
      title: .nodeEvacuated, id: report.task, status: status, details: report.reason, plan: report.id)
  }
}

extension BusClient {
  /// Every report of every plan, the kept ones first, as long as `isWanted` says.
  func follow(_ isWanted: (PlanReport) throws -> Bool) async throws {
    try await bus.subscribe(to: [TopicFilter(Topics.anyPlan)])
    for await event in events {
      switch event {
      case .message(let message) where TopicFilter(Topics.anyPlan).matches(message.topic):
        guard !message.payload.isEmpty, let report = try? PlanReport.decode(message.payload) else { continue }
        if try !isWanted(report) { return }
      case .disconnected(let reason, _): warn("no connection to the broker (\(reason)); waiting for it")
      case .connected, .message, .takenOver: continue
      }
    }
    throw Failure(description: "the connection to the broker ended")
  }
}
