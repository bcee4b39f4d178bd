import ArgumentParser
import DaemonKit

/// What operators type.
@main
struct MigfraCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migfra",
    abstract: "Shows, empties and rebalances the hosts of a cluster while their virtual machines keep running.",
    discussion: """
      The broker is taken from --broker, else the environment's MIGFRA_BROKER, else the configuration file.
      Exit codes: 0 done, 1 error, 2 partly done, 3 not feasible.
      """,
    version: Version.current,
    subcommands: [
      Hosts.self, VMs.self, Why.self, Evacuate.self, Restore.self, Migrate.self, Swap.self, Rearrange.self,
      Watch.self, History.self, Events.self, Pause.self, Resume.self, Cancel.self, PlanCommand.self, Snapshot.self,
      Cordon.self, Uncordon.self, GC.self, Simulate.self,
    ])
}

/// How a command ends when it does not end well; `migfra --help` lists the numbers.
enum Exit {
  static let error = ExitCode(1)
  static let partial = ExitCode(2)
  static let infeasible = ExitCode(3)
}

/// What every command of `migfra` can be told.
struct ClientOptions: ParsableArguments {
  @OptionGroup var program: ProgramOptions

  @Flag(help: "Print JSON, for programs.")
  var json = false
}
