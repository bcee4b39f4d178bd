import ArgumentParser
import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto

/// `migfra history`
struct History: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists operations: those under way, and those that ended, as far as the coordinator keeps them.")

  @OptionGroup var options: ClientOptions

  @Option(help: ArgumentHelp("The last so many.", valueName: "count"))
  var last: Int?

  /// What `--json` prints of each.
  private struct Row: Encodable {
    var plan: String
    var operation: String
    var subject: String
    var state: String
    var reason: String
    var requester: String?
    var purpose: String?
    var began: Double?
    var ended: Double?
    var seconds: Double
  }

  func run() async throws {
    try await reporting(options) {
      let plans = try await BusClient.visit(options) { try await $0.plans() }
      let rows = plans.suffix(last ?? plans.count).map { plan in
        Row(
          plan: plan.id.rawValue, operation: plan.operation.name, subject: plan.operation.subject,
          state: plan.state.rawValue, reason: plan.reason, requester: plan.requester, purpose: plan.purpose,
          began: plan.began, ended: plan.ended, seconds: plan.seconds)
      }
      if options.json { return try printJSON(rows) }
      guard !rows.isEmpty else { return print("nothing has been asked of the coordinator yet") }
      var table = Table(["PLAN", "BEGAN", "WHAT", "STATE", "TIME", "BY", "FOR", "REASON"], rightAligned: [4])
      for row in rows {
        let what = row.operation == row.subject ? row.operation : "\(row.operation) of \(row.subject)"
        table.add([
          row.plan, row.began.map(Self.time) ?? "", what, row.state, SizeText.seconds(row.seconds),
          row.requester ?? "", row.purpose ?? "", row.reason,
        ])
      }
      print(table.text)
    }
  }

  /// In the time zone of who looks.
  private static func time(_ seconds: Double) -> String {
    Date(timeIntervalSince1970: seconds).formatted(
      Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .current).year().month().day().dateTimeSeparator(
        .space
      )
      .time(includingFractionalSeconds: false))
  }
}

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
  /// The operations that the coordinator tells of, oldest first.
  func plans() async throws -> [PlanReport] {
    var plans: [PlanReport] = []
    for message in try await retained(TopicFilter(Topics.anyPlan)) {
      do {
        plans.append(try PlanReport.decode(message.payload))
      } catch {
        warn("\(message.topic) holds something unreadable: \(error)")
      }
    }
    return plans.sorted { ($0.began ?? 0, $0.id) < ($1.began ?? 0, $1.id) }
  }

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
