import ArgumentParser
import BlockingPool
import ClusterModel
import DaemonKit
import Foundation
import Journal
import Logging
import NodeWorkerServices

/// The worker's command line and composition root.
@main
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migfra-worker",
    abstract: "Carries out on this host what schedulers and the coordinator ask for over MQTT.",
    discussion: """
      Tasks come as YAML on fast/migfra/<host>/task; each gets one answer on fast/migfra/<host>/result. SIGTERM stops \
      the worker; migrations that are under way are finished by libvirtd and answered after the next start.
      """,
    version: Version.current)

  @OptionGroup var options: ProgramOptions

  @Option(help: ArgumentHelp("This host's name in topics and URIs.", valueName: "name"))
  var host: String?

  @Option(
    help: ArgumentHelp("libvirt's URI of this host, such as qemu:///system or test:///default.", valueName: "uri"))
  var hypervisorURI: String?

  @Option(help: ArgumentHelp("Where the journal is kept.", valueName: "directory"))
  var stateDirectory: String?

  @Flag(help: "Only check the configuration, and say what is wrong.")
  var checkConfig = false

  func run() async throws {
    var (settings, source) = try options.configuration()
    if let host { settings.host = HostName(rawValue: host) }
    guard settings.host.isValid else {
      throw ValidationError("'\(settings.host)' is no host name; give one with --host or 'host' in the configuration")
    }
    if let hypervisorURI { settings.hypervisor.uri = hypervisorURI }
    if let stateDirectory { settings.stateDirectory = stateDirectory }
    if checkConfig { return print(settings.summary(source: source)) }

    let logger = Logger.forProgram("migfra-worker", level: settings.logLevel)
    let directory = try StateDirectory(settings.stateDirectory)
    let journal = try openJournal(directory.file("worker.sqlite"))
    // What a task has to do is less than to wake another thread for it.
    let lane = TaskLane(name: "worker", calls: 4)
    let hypervisor: any Hypervisor =
      switch settings.hypervisor.kind {
      case .libvirt:
        LibvirtHypervisor(
          host: settings.host, settings: settings.hypervisor, capacity: settings.capacity, limits: settings.limits,
          migration: settings.migration, calls: lane.calls)
      case .dummy:
        try SimulatedHypervisor(
          host: settings.host, directory: settings.hypervisor.clusterDirectory ?? directory.file("cluster"),
          capacity: settings.capacity, limits: settings.limits)
      }
    let bus = try settings.broker.bus(for: WorkerService.session(for: settings, epoch: journal.epoch))
    logger.info(
      "starting",
      metadata: [
        "version": "\(Version.current)", "host": "\(settings.host)", "configuration": "\(source)",
        "broker": "\(settings.broker.location)", "epoch": "\(journal.epoch)",
        "hypervisor": "\(settings.hypervisor.kind == .dummy ? "dummy" : settings.hypervisor.localURI)",
      ])
    let service = WorkerService(
      settings: settings, bus: bus, hypervisor: hypervisor, journal: journal,
      cluster: ClusterReports { [broker = settings.broker] session in try broker.bus(for: session) }, logger: logger,
      manager: ServiceManager(logger: logger), executor: lane)
    try await withTaskExecutorPreference(lane) { try await Daemon.run(service, logger: logger) }
  }

  private func openJournal(_ path: String) throws -> TaskJournal {
    do {
      return try TaskJournal.ofWorker(path, leastEpoch: SystemClock().milliseconds)
    } catch {
      throw ValidationError(
        "the journal \(path) cannot be opened: \(error). Does another worker use it? Two on one machine need two "
          + "--state-directory")
    }
  }
}
