import ArgumentParser
import Simulation

/// `simulate`: histories of small clusters in which much goes wrong; says which promises were broken.
@main
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the real cores of coordinator and workers through histories full of faults.")

  @Option(help: "How many histories.")
  var seeds: UInt64 = 2000

  @Option(help: "The seed of the first one.")
  var first: UInt64 = 1

  @Option(help: "Hosts in each cluster; none: a few.")
  var hosts: Int?

  @Option(help: "Failures to print in full.")
  var shown = 3

  @Option(help: "A rule to break on purpose.")
  var sabotage: String?

  @Flag(help: "Print the whole history of the first seed, and nothing else.")
  var history = false

  func run() throws {
    let sabotage = sabotage.flatMap(Sabotage.init(rawValue:))
    let size = hosts.map(World.Size.large) ?? World.Size()
    if history {
      var world = World(seed: first, size: size, sabotage: sabotage, keepsHistory: true)
      world.run()
      return print(world.history.joined(separator: "\n"))
    }
    var campaign = Campaign()
    for seed in first..<first + seeds {
      campaign.run(seed, size: size, sabotage: sabotage)
    }
    for failure in campaign.failures.prefix(shown) { print(failure, terminator: "\n\n") }
    for failure in campaign.failures.dropFirst(shown) {
      print("seed \(failure.seed): \(failure.broken.promise.rawValue): \(failure.broken.details)")
    }
    print(campaign.summary)
    if !campaign.failures.isEmpty { throw ExitCode.failure }
  }
}
