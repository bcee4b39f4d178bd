import ArgumentParser
import ClusterModel
import DaemonKit
import GuestAgentServices
import Logging

/// The guest agent's command line and composition root.
@main
struct GuestAgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migfra-guest-agent",
    abstract: "Suspends and resumes the MPI processes of this virtual machine around a migration.",
    discussion: """
      Runs inside the machine. Processes of ParaStation MPI that were started with PSP_SIGSUSPEND=<signal> are \
      announced on fast/pscom/<vm-name>/<process>/state; requests come on …/request and are answered on …/response.
      """,
    version: Version.current)

  @OptionGroup var options: ProgramOptions

  @Option(help: ArgumentHelp("This virtual machine's name in topics, as libvirt knows it.", valueName: "name"))
  var vmName: String?

  @Option(help: ArgumentHelp("Where the agent keeps what it has suspended.", valueName: "directory"))
  var stateDirectory: String?

  @Flag(help: "Only check the configuration, and say what is wrong.")
  var checkConfig = false

  /// Where the kernel shows its processes; tests show fewer.
  @Option(help: .hidden)
  var proc = "/proc"

  func run() async throws {
    var (settings, source) = try options.configuration()
    if let vmName { settings.guestAgent.vm = VMName(rawValue: vmName) }
    guard settings.vm.isValid else {
      throw ValidationError(
        "'\(settings.vm)' is no machine's name; give one with --vm-name or 'guest-agent.vm-name' in the configuration")
    }
    if let stateDirectory { settings.stateDirectory = stateDirectory }
    if checkConfig { return print(settings.guestAgentSummary(source: source)) }

    let logger = Logger.forProgram("migfra-guest-agent", level: settings.logLevel)
    let state = try StateFile(in: StateDirectory(settings.stateDirectory))
    let bus = try settings.broker.bus(for: GuestAgentService.session(for: settings))
    logger.info(
      "starting",
      metadata: [
        "version": "\(Version.current)", "vm": "\(settings.vm)", "configuration": "\(source)",
        "broker": "\(settings.broker.location)",
      ])
    let processes = ProcessTable(
      root: proc, signal: settings.guestAgent.signal, ignoring: settings.guestAgent.ignoredPrograms)
    try await Daemon.run(
      GuestAgentService(
        settings: settings, bus: bus, processes: processes, state: state, logger: logger,
        manager: ServiceManager(logger: logger)),
      logger: logger)
  }
}
