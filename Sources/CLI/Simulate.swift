import ArgumentParser
import Simulation

/// `migfra simulate`
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs simulated clusters through histories full of faults, and tells which promises were broken.",
    discussion: """
      The rules of coordinator and workers are the real ones; hosts, broker, clients and time are played, so neither a \
      cluster nor a broker is needed. Equal seeds give equal histories. The last line says how much was tried:

        2000 seeds, 228.1 simulated hours, 22264 faults, 0 broken promises

      Exit codes: 0 every promise was kept, 1 one was broken.
      """)

  @Option(help: ArgumentHelp("How many histories.", valueName: "number"))
  var seeds: UInt64 = 2000

  @Option(help: ArgumentHelp("The seed of the first one.", valueName: "seed"))
  var first: UInt64 = 1

  @Option(help: ArgumentHelp("Hosts in each cluster; left out: a few.", valueName: "number"))
  var hosts: Int?

  @Option(
    help: ArgumentHelp("Broken promises to tell with their histories; of the others, one line.", valueName: "number"))
  var shown = 3

  @Option(
    help: ArgumentHelp(
      "A rule to break on purpose: to see that it would be found, and how that is told.", valueName: "rule"))
  var sabotage: Sabotage?

  @Flag(help: "Print the whole history of the first seed, and nothing else.")
  var history = false

  func validate() throws {
    if seeds == 0 || seeds - 1 > UInt64.max - first {
      throw ValidationError("--seeds counts from 1, and the last seed is at most \(UInt64.max)")
    }
    if let hosts, !(1...10_000).contains(hosts) { throw ValidationError("--hosts is 1 to 10000") }
  }

  func run() throws {
    let size = hosts.map(World.Size.init(hosts:)) ?? World.Size()
    if history {
      var world = World(seed: first, size: size, sabotage: sabotage, keepsHistory: true)
      world.run()
      print(world.history.joined(separator: "\n"))
      if world.broken != nil { throw Exit.error }
      return
    }
    var campaign = Campaign()
    var progress = ProgressLine(of: seeds)
    for seed in first...first + (seeds - 1) {
      progress.show(seed - first, "seeds, \(campaign.failures.count) broken promises")
      let told = campaign.failures.count
      campaign.run(seed, size: size, sabotage: sabotage, shortens: told < shown)
      if campaign.failures.count > told, let failure = campaign.failures.last {
        progress.clear()
        print(told < shown ? "\(failure)\n" : failure.summary)
      }
    }
    progress.clear()
    print(campaign.summary)
    if !campaign.failures.isEmpty { throw Exit.error }
  }
}
