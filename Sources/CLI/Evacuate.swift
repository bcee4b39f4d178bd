import ArgumentParser
import ClusterModel
import Foundation
import MigfraProtocol

/// `migfra evacuate HOST …`
struct Evacuate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Empties hosts: moves their virtual machines to others while they keep running.",
    discussion: """
      Plans first, and refuses the plan if a machine would have to stay (unless --best-effort). Ends when the \
      hosts' own reports show that they are empty. Several hosts are emptied by one plan, and none of them receives. \
      A host that was emptied takes no arrivals until 'migfra uncordon'.
      Exit codes: 0 emptied, 2 some machines stayed, 3 not feasible, 1 error.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The hosts to empty.", valueName: "host"))
  var hosts: [String]

  @OptionGroup var wish: WishOptions

  @Option(
    help: ArgumentHelp(
      "live (keeps running), warm (stands still for the copy), offline (saved and restored).", valueName: "type"))
  var type: MigrationType?

  @Option(help: ArgumentHelp("Attempts per machine after the first.", valueName: "count"))
  var retries: Int?

  @Option(
    help: ArgumentHelp(
      "Have so many processes of each machine's job close their connections, auto: those that have announced themselves. "
        + "Machines of one job then move as one.", valueName: "count|auto"))
  var pscom: HookProcesses?

  @Flag(help: "Move what can be moved although something cannot.")
  var bestEffort = false

  @Option(help: ArgumentHelp("It should be over after so long.", valueName: "seconds"))
  var deadline: Int?

  @Option(
    help: ArgumentHelp(
      "What becomes of the machines that have not moved by then: report (they stay), warm (they stand still for their "
        + "copy).", valueName: "policy"))
  var onDeadline: Deadline.Policy?

  @Option(help: "What for; stands in the plan.")
  var reason: String?

  @Flag(help: "Only show the plan; 'migfra plan apply' carries it out.")
  var dryRun = false

  func validate() throws {
    try wish.validate(hosts)
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
    if let deadline, !(1...10_000_000).contains(deadline) {
      throw ValidationError("--deadline: expected 1 to 10000000 seconds")
    }
    if onDeadline != nil, deadline == nil { throw ValidationError("--on-deadline goes with --deadline") }
  }

  func run() async throws {
    let names = hosts.map(HostName.init(rawValue:))
    var evacuation = NodeEvacuation(
      hosts: Array(names.dropFirst()), destinations: wish.to.map(HostName.init(rawValue:)), mode: wish.mode,
      migrationType: type, overbooking: wish.overbooking ? true : nil, cpuRatio: wish.cpuRatio, retries: retries,
      bestEffort: bestEffort,
      deadline: deadline.map { Deadline(seconds: $0, policy: onDeadline ?? .report) }, isDryRun: dryRun)
    evacuation.tuning.hookProcesses = pscom
    try await carryOut(.evacuate(evacuation), on: names.first, reason: reason, options)
  }
}
