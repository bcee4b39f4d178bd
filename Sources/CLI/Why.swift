import ArgumentParser
import ClusterModel
import CoordinatorCore
import Foundation
import MigfraProtocol

/// `migfra why HOST`
struct Why: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells whether hosts can be emptied now, and if not, what is in the way.",
    discussion: """
      Plans on what the hosts' last reports say, as the coordinator would, and asks nobody to do anything. Without a host, \
      every host is told in one line. Times are estimates: a worker that does not say its bandwidth counts as 10 Gbit/s.
      Exit codes: 0 every host that was named can be emptied, 3 one cannot, 1 error.
      """)

  @OptionGroup var options: ClientOptions
  @OptionGroup var wish: WishOptions

  @Argument(help: "The hosts; none: all.")
  var hosts: [String] = []

  func validate() throws { try wish.validate(hosts) }

  func run() async throws {
    try await reporting(options) {
      let cluster = try await BusClient.visit(options) { try await LiveCluster($0) }
      let names = hosts.isEmpty ? cluster.hosts : hosts.map(HostName.init(rawValue:))
      if let unknown = names.first(where: { !cluster.knows($0) }) {
        throw BusClient.Failure(description: "\(unknown) has never reported: see 'migfra hosts'")
      }
      let outlooks = names.map { name in
        Outlook(emptying: name, wish.request(emptying: name), on: cluster.snapshot(emptying: name))
      }
      if options.json {
        try printJSON(outlooks.map { WhyOutput($0) })
      } else if hosts.isEmpty {
        show(outlooks)
      } else {
        print(outlooks.map { Self.details($0) }.joined(separator: "\n\n"))
      }
      if !hosts.isEmpty, outlooks.contains(where: { !$0.canBeEmptied }) { throw Exit.infeasible }
    }
  }

  private func show(_ outlooks: [Outlook]) {
    guard !outlooks.isEmpty else { return print("no host has reported: start migfra-worker on the hosts") }
    var table = Table(["HOST", "VMS", "EMPTY NOW", "WHY"], rightAligned: [1])
    for outlook in outlooks {
      let count = outlook.plan.moves.count + outlook.plan.unplaced.count
      table.add([outlook.host.rawValue, "\(count)", outlook.canBeEmptied ? "yes" : "no", outlook.summary])
    }
    print(table.text)
  }

  private static func details(_ outlook: Outlook) -> String {
    let plan = outlook.plan
    var text = "\(outlook.host) can\(outlook.canBeEmptied ? "" : "not") be emptied now: "
    if let obstacle = outlook.obstacle {
      text += obstacle
    } else if plan.unplaced.isEmpty {
      text += plan.moves.isEmpty ? "nothing is on it" : "each of its \(plan.moves.count) machines has a place"
    } else {
      let count = plan.moves.count + plan.unplaced.count
      text += "\(plan.unplaced.count) of \(count) machines \(plan.unplaced.count == 1 ? "has" : "have") no place"
    }
    if !plan.moves.isEmpty {
      var table = Table(["  VM", "MEMORY", "VCPUS", "TO", "START", "END"], rightAligned: [1, 2, 4, 5])
      for move in plan.moves {
        table.add([
          "  \(move.vm.name)", SizeText.kibibytes(move.vm.memoryKiB), "\(move.vm.vcpus)", move.destination.rawValue,
          move.estimatedStart.map(SizeText.seconds) ?? "", move.estimatedEnd.map(SizeText.seconds) ?? "",
        ])
      }
      text += "\n\n\(table.text)"
    }
    if !plan.unplaced.isEmpty { text += "\n" }
    for unplaced in plan.unplaced { text += "\n  \(unplaced.vm.name) has no place: \(unplaced.details)" }
    if !plan.loads.isEmpty { text += "\n\n\(PlanTables.loads(plan.loads))\n\n  \(PlanTables.score(plan.score))" }
    return text
  }
}

/// What `migfra why --json` prints of each host.
struct WhyOutput: Encodable {
  struct Move: Encodable {
    var vm: String
    var destination: String
    var memoryKib: Int
    var vcpus: Int
    var startSeconds: Double?
    var endSeconds: Double?
  }

  struct Unplaced: Encodable {
    var vm: String
    var cause: String
    var details: String
  }

  var host: String
  var canBeEmptied: Bool
  var obstacle: String?
  var summary: String
  var moves: [Move]
  var unplaced: [Unplaced]
  var hosts: [LoadOutput]
  var score: ScoreOutput

  init(_ outlook: Outlook) {
    host = outlook.host.rawValue
    canBeEmptied = outlook.canBeEmptied
    obstacle = outlook.obstacle
    summary = outlook.summary
    moves = outlook.plan.moves.map {
      Move(
        vm: $0.vm.name.rawValue, destination: $0.destination.rawValue, memoryKib: $0.vm.memoryKiB, vcpus: $0.vm.vcpus,
        startSeconds: $0.estimatedStart, endSeconds: $0.estimatedEnd)
    }
    unplaced = outlook.plan.unplaced.map {
      Unplaced(vm: $0.vm.name.rawValue, cause: $0.cause.rawValue, details: $0.details)
    }
    hosts = outlook.plan.loads.map(LoadOutput.init)
    score = ScoreOutput(outlook.plan.score)
  }
}
