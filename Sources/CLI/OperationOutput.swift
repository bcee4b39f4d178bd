import ClusterModel
import DaemonKit
import Foundation
import MigfraProtocol

/// Asks the coordinator for an operation, shows its plan, its progress and its end, and throws its exit code.
func carryOut(
  _ body: TaskMessage.Body, on host: HostName? = nil, reason: String? = nil, _ options: ClientOptions
) async throws {
  try await reporting(options) {
    let task = TaskMessage(
      id: .fresh(), host: host, body: body, measuresTime: true, requester: requester, reason: reason)
    var display = OperationDisplay(isQuiet: options.json)
    let result = try await BusClient.visit(options) { client in
      try await client.ask(task, watch: { display.show($0) })
    }
    display.finish(result)
    if options.json { try printJSON(OperationOutput(result, display.latest)) }
    switch result.status {
    case .success: return
    case .partial: throw Exit.partial
    case .infeasible: throw Exit.infeasible
    case .error, nil: throw Exit.error
    }
  }
}

/// Who types, for those who look at the plan later.
var requester: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }

/// What commands that carry out an operation print with `--json`.
struct OperationOutput: Encodable {
  struct Move: Encodable {
    var vm: String
    var source: String
    var destination: String
    var stage: String?
    var state: String
    var retries: Int
    var seconds: Double?
    var memoryKib: Int
    var vcpus: Int
    var details: String?
  }

  struct Unplaced: Encodable {
    var vm: String
    var cause: String
    var details: String
  }

  var operation: String?
  /// The hosts that are emptied.
  var sources: [String]
  var requester: String?
  var purpose: String?
  var status: String
  var details: String?
  var code: String?
  var plan: String?
  var state: String?
  var seconds: Double?
  var moves: [Move]
  var unplaced: [Unplaced]
  var hosts: [LoadOutput]
  var score: ScoreOutput?

  init(_ result: TaskResult, _ report: PlanReport?) {
    operation = report?.operation.name
    sources = report?.request?.sources.map(\.rawValue) ?? []
    requester = report?.requester
    purpose = report?.purpose
    status = (result.status ?? .error).rawValue
    details = result.details
    code = result.code?.rawValue
    plan = result.plan?.rawValue
    state = report?.state.rawValue
    seconds = report?.seconds
    moves = (report?.moves ?? []).map { move in
      Move(
        vm: move.move.vm.name.rawValue, source: move.move.source.rawValue,
        destination: move.move.destination.rawValue, stage: move.stage?.rawValue, state: move.state.rawValue,
        retries: move.retries,
        seconds: move.seconds, memoryKib: move.move.vm.memoryKiB, vcpus: move.move.vm.vcpus, details: move.details)
    }
    hosts = (report?.loads ?? []).map(LoadOutput.init)
    score = report.map {
      ScoreOutput(Plan.Score(moves: $0.moves.map(\.move), unplaced: $0.unplaced.count, loads: $0.loads))
    }
    unplaced = (report?.unplaced ?? []).map {
      Unplaced(vm: $0.vm.name.rawValue, cause: $0.cause.rawValue, details: $0.details)
    }
  }
}
