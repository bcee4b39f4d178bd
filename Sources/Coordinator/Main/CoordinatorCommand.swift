import ArgumentParser
import CoordinatorServices
import DaemonKit
import Logging

/// The coordinator's command line and composition root.
@main
struct CoordinatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migfra-coordinator",
    abstract: "Sees every host, plans evacuations and drives them.",
    discussion: """
      Tasks for the whole cluster come as YAML on fast/coordinator/task; each gets one answer on \
      fast/coordinator/result. Exactly one coordinator runs in a cluster.
      """,
    version: Version.current)

  @OptionGroup var options: ProgramOptions

  @Option(help: ArgumentHelp("Where the coordinator keeps its state.", valueName: "directory"))
  var stateDirectory: String?

  @Flag(help: "Only check the configuration, and say what is wrong.")
  var checkConfig = false

  func run() async throws {
    var (settings, source) = try options.configuration()
    if let stateDirectory { settings.stateDirectory = stateDirectory }
    if checkConfig { return print(settings.summary(source: source)) }

    let logger = Logger.forProgram("migfra-coordinator", level: settings.logLevel)
    let directory = try StateDirectory(settings.stateDirectory)
    let epoch = try directory.nextEpoch("coordinator.epoch", atLeast: SystemClock().milliseconds)
    let bus = try settings.broker.bus(for: CoordinatorService.session(for: settings, epoch: epoch))
    logger.info(
      "starting",
      metadata: [
        "version": "\(Version.current)", "configuration": "\(source)", "epoch": "\(epoch)",
        "broker": "\(settings.broker.location)",
      ])
    try await Daemon.run(
      CoordinatorService(settings: settings, bus: bus, epoch: epoch, logger: logger), logger: logger)
  }
}
