import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra plan show ID`
struct PlanShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a plan of the cluster: what it moves, and how far it is.")

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, as 'migfra history' lists it.", valueName: "id"))
  var id: String

  func run() async throws {
    try await reporting(options) {
      let plans = try await BusClient.visit(options) { try await $0.plans() }
      guard let plan = plans.first(where: { $0.id.rawValue == id }) else {
        throw BusClient.Failure(description: "no plan '\(id)' is known; see 'migfra history'")
      }
      if options.json { return try printJSON(OperationOutput(TaskResult(of: plan), plan)) }
      print(OperationDisplay.plan(plan))
      if plan.state != .planned {
        print("")
        for move in plan.moves { print(OperationDisplay.line(move)) }
      }
      print("\n\(plan.state.rawValue): \(plan.reason)")
    }
  }
}

/// `migfra plan apply ID`
struct PlanApply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Carries out a dry run of 'migfra evacuate', if the same would be planned now.",
    discussion: "Exit codes: 0 emptied, 2 some machines stayed, 3 not feasible, 1 error, or the cluster has changed.")

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, as the dry run showed it.", valueName: "id"))
  var id: String

  @Option(help: "What for; stands in the plan.")
  var reason: String?

  func run() async throws {
    try await carryOut(.apply(PlanID(rawValue: id)), reason: reason, options)
  }
}
