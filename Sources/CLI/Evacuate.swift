import ArgumentParser
import ClusterModel
import Foundation
import MigfraProtocol

/// `migfra evacuate HOST …`
struct Evacuate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Empties hosts: moves their virtual machines to others while they keep running.",
    discussion: """
      Plans first, and refuses the plan if a machine would have to stay (unless --best-effort). Ends when the \
      hosts' own reports show that they are empty. Several hosts are emptied by one plan, and none of them receives. \
      A host that was emptied takes no arrivals until 'migfra uncordon'.
      Exit codes: 0 emptied, 2 some machines stayed, 3 not feasible, 1 error.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The hosts to empty.", valueName: "host"))
  var hosts: [String]

  @OptionGroup var wish: WishOptions

  @Option(
    help: ArgumentHelp(
      "live (keeps running), warm (stands still for the copy), offline (saved and restored).", valueName: "type"))
  var type: MigrationType?

  @Option(help: ArgumentHelp("Attempts per machine after the first.", valueName: "count"))
  var retries: Int?

  @Flag(help: "Move what can be moved although something cannot.")
  var bestEffort = false

  @Flag(help: "Only show the plan.")
  var dryRun = false

  func validate() throws {
    try wish.validate(hosts)
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
  }

  func run() async throws {
    try await reporting(options) {
      let names = hosts.map(HostName.init(rawValue:))
      let evacuation = NodeEvacuation(
        hosts: Array(names.dropFirst()), destinations: wish.to.map(HostName.init(rawValue:)), mode: wish.mode,
        migrationType: type,
        overbooking: wish.overbooking ? true : nil, retries: retries, bestEffort: bestEffort, isDryRun: dryRun)
      let task = TaskMessage(
        id: .fresh(), host: names.first, body: .evacuate(evacuation), measuresTime: true)
      var display = OperationDisplay(isQuiet: options.json)
      let result = try await BusClient.visit(options) { client in
        try await client.ask(task, watch: { display.show($0) })
      }
      display.finish(result)
      if options.json { try printJSON(EvacuationOutput(hosts: hosts, result: result, report: display.latest)) }
      switch result.status {
      case .success: return
      case .partial: throw Exit.partial
      case .infeasible: throw Exit.infeasible
      case .error, nil: throw Exit.error
      }
    }
  }
}

/// What `migfra evacuate --json` prints.
struct EvacuationOutput: Encodable {
  struct Move: Encodable {
    var vm: String
    var source: String
    var destination: String
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

  var sources: [String]
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

  init(hosts names: [String], result: TaskResult, report: PlanReport?) {
    sources = names
    status = (result.status ?? .error).rawValue
    details = result.details
    code = result.code?.rawValue
    plan = result.plan?.rawValue
    state = report?.state.rawValue
    seconds = report?.seconds
    moves = (report?.moves ?? []).map { move in
      Move(
        vm: move.move.vm.name.rawValue, source: move.move.source.rawValue,
        destination: move.move.destination.rawValue, state: move.state.rawValue, retries: move.retries,
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
