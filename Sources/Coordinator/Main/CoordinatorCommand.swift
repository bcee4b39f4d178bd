import ArgumentParser
import CoordinatorServices
import DaemonKit
import Journal
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
    let journal = try openJournal(directory.file("coordinator.sqlite"))
    let bus = try settings.broker.bus(
      for: CoordinatorService.session(for: settings, epoch: journal.epoch, journal: journal.name))
    logger.info(
      "starting",
      metadata: [
        "version": "\(Version.current)", "configuration": "\(source)", "epoch": "\(journal.epoch)",
        "broker": "\(settings.broker.location)",
      ])
    try await Daemon.run(
      CoordinatorService(
        settings: settings, bus: bus, journal: journal, logger: logger, manager: ServiceManager(logger: logger)),
      logger: logger)
  }

  private func openJournal(_ path: String) throws -> TaskJournal {
    do {
      return try TaskJournal.ofCoordinator(path, leastEpoch: SystemClock().milliseconds)
    } catch {
      throw ValidationError(
        "the journal \(path) cannot be opened: \(error). Does another coordinator use it? Exactly one runs in a cluster"
      )
    }
  }
}
