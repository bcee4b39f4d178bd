import ArgumentParser
import ClusterModel
import Foundation
import Placement
import PlannerCases

/// `planner-bench`: plans cases of every family, judges the plans, and prints what the planner must show.
@main
struct PlannerBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "planner-bench",
    abstract: "Plans synthetic cases of every family on one core, judges the plans and prints goals and results.")

  @Option(help: "Texts separated by commas: another text, other cases of the same families.")
  var salts = "a,b,c"

  @Option(help: "Sizes: s (4 hosts), m (12), l (64), x (1,000), z (10,000). The first salt only is used for x and z.")
  var sizes = "smlxz"

  @Option(help: "How long to search for better plans, about, in milliseconds.")
  var budget = 100

  @Option(help: "How often to plan the cases of x and z; the best time counts.")
  var runs = 3

  @Option(help: "Only cases whose name has this in it.")
  var only = ""

  @Flag(help: "Print a line for each case too.")
  var each = false

  func run() throws {
    var measurements: [Measurement] = []
    for (number, salt) in salts.split(separator: ",").enumerated() {
      // The largest first, while the process has had nothing else in its memory.
      let entries = CaseFamilies(salt: String(salt)).entries.sorted { $0.size == .giant && $1.size != .giant }
      for entry in entries where sizes.contains(entry.size.rawValue) {
        let isLarge = entry.size == .huge || entry.size == .giant
        guard !isLarge || number == 0, only.isEmpty || entry.name.contains(only) else { continue }
        let measured = Measurement(
          entry.make(), budget: Budget(milliseconds: budget), runs: isLarge ? max(1, runs) : 1)
        if each { print(line(measured)) }
        measurements.append(measured)
      }
    }
    print(GoalTable(measurements).text)
    if measurements.contains(where: { !$0.judge.violations.isEmpty }) { throw ExitCode(1) }
  }

  private func line(_ one: Measurement) -> String {
    func percent(_ value: Double?) -> String { value.map { GoalTable.decimal($0 * 100) } ?? "-" }
    let judge = one.judge
    return "\(one.name.padding(toLength: 22, withPad: " ", startingAt: 0)) moves=\(one.moves) "
      + "unplaced=\(judge.unplaced)+\(one.excessUnplaced) hosts=\(judge.receivingHosts)/\(one.bounds.hosts)"
      + (one.firstFit.map { "/\($0.used)" } ?? "") + " share=\(GoalTable.decimal(judge.highestShare)) "
      + "+\(percent(one.excessShare))% uneven=\(judge.imbalance) extra=\(judge.extraMoves) suspends=\(judge.suspends) "
      + "makespan+\(percent(one.excessMakespan))% \(one.optimum == nil ? "" : "proven ")"
      + GoalTable.milliseconds(one.seconds) + (judge.violations.first.map { " BROKEN: \($0)" } ?? "")
  }
}
