import ArgumentParser
import CaseFormat
import ClusterModel
import Foundation
import Placement

/// `migfra plan`
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Plans from a file, without a cluster; shows plans of the cluster, and carries out dry runs.",
    subcommands: [PlanFromFile.self, PlanShow.self, PlanApply.self], defaultSubcommand: PlanFromFile.self)
}

/// `migfra plan --from CASE.json`
struct PlanFromFile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file",
    abstract: "Plans from a file, without a cluster: what would move where, in which order, and what could not.",
    discussion: """
      The same file and the same budget give the same plan.
      Exit codes: 0 all machines have a place, 2 some have not, 1 error.
      """)

  @Option(
    name: .long, parsing: .upToNextOption,
    help: ArgumentHelp("Files with a cluster and what is wanted of it.", valueName: "case.json"))
  var from: [String]

  @Option(help: ArgumentHelp("How long to search for better plans, about: 100ms, 2s.", valueName: "time"))
  var budget: PlanningTime = PlanningTime(milliseconds: 100)

  @Option(help: ArgumentHelp("Write each plan as JSON to this folder, under its case's name.", valueName: "folder"))
  var out: String?

  @Flag(help: "Print JSON, for programs.")
  var json = false

  @Option(
    name: .long, parsing: .upToNextOption,
    help: ArgumentHelp("Hosts to empty, all at once, instead of what the file asks for.", valueName: "host"))
  var evacuate: [String] = []

  @OptionGroup(title: "With --evacuate") var wish: WishOptions

  @Flag(help: "Allow to move machines on the destinations to make room.")
  var moveOthers = false

  func validate() throws {
    if evacuate.isEmpty, !wish.to.isEmpty || wish.overbooking || wish.mode != nil || moveOthers {
      throw ValidationError("--to, --mode, --overbooking and --move-others go with --evacuate")
    }
    if from.count > 1, out == nil { throw ValidationError("several cases need --out") }
  }

  func run() throws {
    var isComplete = true
    for path in from {
      let url = URL(fileURLWithPath: path)
      let planningCase: PlanningCase
      guard let bytes = FileManager.default.contents(atPath: path) else {
        warn("\(path) cannot be read")
        throw Exit.error
      }
      do throws(CaseError) {
        let inFile = try PlanningCase(json: [UInt8](bytes))
        planningCase =
          evacuate.isEmpty ? inFile : try inFile.evacuating(wish.wish(emptying: evacuate, movesOthers: moveOthers))
      } catch {
        warn("\(path): \(error)")
        throw Exit.error
      }
      let clock = ContinuousClock()
      let start = clock.now
      let solution = PlacementEngine.solve(planningCase.problem, budget: Budget(milliseconds: budget.milliseconds))
      let seconds = (clock.now - start) / .seconds(1)
      if !solution.unplaced.isEmpty { isComplete = false }
      if let out {
        let text = PlanText.json(solution, of: planningCase, seconds: seconds)
        try text.write(
          to: URL(fileURLWithPath: out).appendingPathComponent(url.lastPathComponent), atomically: true, encoding: .utf8
        )
      } else if json {
        print(PlanText.json(solution, of: planningCase, seconds: seconds), terminator: "")
      } else {
        show(solution, planningCase, seconds)
      }
    }
    if !isComplete { throw Exit.partial }
  }

  private func show(_ solution: Solution, _ planningCase: PlanningCase, _ seconds: Double) {
    var table = Table(["START", "END", "", "VM", "FROM", "TO", "MEMORY"], rightAligned: [0, 1, 6])
    for step in solution.steps {
      table.add([
        SizeText.seconds(Double(step.start) / 1e6), SizeText.seconds(Double(step.end) / 1e6), "\(step.kind)",
        planningCase.vmNames[step.vm], step.source < 0 ? "storage" : planningCase.hostNames[step.source],
        step.destination < 0 ? "storage" : planningCase.hostNames[step.destination],
        SizeText.kibibytes(planningCase.problem.vms[step.vm].memory),
      ])
    }
    if !solution.steps.isEmpty { print(table.text) }
    for vm in solution.unplaced {
      print("\(planningCase.vmNames[vm]) has no place: \(Shortfall(of: vm, in: solution, planningCase).details)")
    }
    let summary = PlanSummary(solution, of: planningCase)
    if !summary.loads.isEmpty { print("\n\(PlanTables.loads(summary.loads))\n\n\(PlanTables.score(summary.score))") }
    print(
      "\(solution.placements.count) machines to move in \(SizeText.seconds(Double(solution.makespan) / 1e6)), "
        + "\(solution.unplaced.count) without a place; planned in \(Int((seconds * 1000).rounded(.up))) ms")
  }
}

/// A time as people type it: "100ms", "2s".
struct PlanningTime: ExpressibleByArgument, CustomStringConvertible {
  var milliseconds: Int

  init(milliseconds: Int) {
    self.milliseconds = milliseconds
  }

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), (1...1_000_000).contains(number) else { return nil }
    switch argument.dropFirst(digits.count) {
    case "ms": milliseconds = number
    case "s": milliseconds = number * 1000
    default: return nil
    }
  }

  var description: String { "\(milliseconds)ms" }
}
