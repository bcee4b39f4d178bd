import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra restore HOST`
struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts a host in service again: brings back the machines that an evacuation took from it.",
    discussion: """
      Machines come back wherever they are by now. If the host is too small for all, machines that came there meanwhile \
      make room, if need be by way of the shared directory. The host takes arrivals afterwards.
      Exit codes: 0 all are back, 2 some are not, 1 error.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: "The host.")
  var host: String

  @OptionGroup var way: WayOptions

  func validate() throws {
    guard HostName(rawValue: host).isValid else { throw ValidationError("'\(host)' is no host name") }
  }

  func run() async throws {
    let wish = NodeRestore(way: way.travel, isDryRun: way.dryRun)
    try await carryOut(.restore(wish), on: HostName(rawValue: host), reason: way.reason, options)
  }
}

/// `migfra rearrange VM=HOST …`
struct Rearrange: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Brings machines to the hosts where they are wanted, in whatever order their memory allows.",
    discussion: """
      Where everything is full, machines go over a third host, or wait in the shared directory for their room. \
      What cannot be done is refused before anything moves.
      Exit codes: 0 all are there, 2 some are not, 1 error.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("A machine and its new host.", valueName: "vm=host"))
  var moves: [WantedMove]

  @OptionGroup var way: WayOptions

  func run() async throws {
    let wish = VMRearrangement(moves.map(\.move), way: way.travel, isDryRun: way.dryRun)
    try await carryOut(.rearrange(wish), reason: way.reason, options)
  }
}

/// "vm=host", as people type it.
struct WantedMove: ExpressibleByArgument {
  var move: VMRearrangement.Move

  init?(argument: String) {
    // A machine's name may contain the sign, a host's may not.
    guard let sign = argument.lastIndex(of: "=") else { return nil }
    let vm = VMName(rawValue: String(argument[..<sign]))
    let host = HostName(rawValue: String(argument[argument.index(after: sign)...]))
    guard vm.isValid, host.isValid else { return nil }
    move = VMRearrangement.Move(vm: vm, destination: host)
  }
}

/// How the machines of one operation travel.
struct WayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("live (keeps running) or warm (stands still for the copy).", valueName: "type"))
  var type: MigrationType?

  @Option(help: ArgumentHelp("Attempts per step after the first.", valueName: "count"))
  var retries: Int?

  @Flag(help: "Let virtual CPUs exceed CPUs.")
  var overbooking = false

  @Option(help: "What for; stands in the plan.")
  var reason: String?

  @Flag(help: "Only show the plan.")
  var dryRun = false

  func validate() throws {
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
  }

  var travel: VMTravel { VMTravel(type: type, retries: retries, overbooking: overbooking ? true : nil) }
}
