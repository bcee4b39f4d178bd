import ArgumentParser
import ClusterModel
import Foundation
import MigfraProtocol

/// `migfra history`
struct History: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists operations: those under way, and those that ended, as far as the coordinator keeps them.")

  @OptionGroup var options: ClientOptions

  @Option(help: ArgumentHelp("The last so many.", valueName: "count"))
  var last: Int?

  func validate() throws {
    if let last, last < 1 { throw ValidationError("--last: at least 1") }
  }

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
          row.plan, row.began.map(timeText) ?? "", what, row.state, SizeText.seconds(row.seconds),
          row.requester ?? "", row.purpose ?? "", row.reason,
        ])
      }
      print(table.text)
    }
  }
}
