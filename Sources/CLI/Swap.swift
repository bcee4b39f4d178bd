import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra swap VM VM`
struct Swap: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lets two virtual machines on two hosts change places.",
    discussion: """
      Both move at the same time where they fit beside each other; otherwise the smaller one is saved to the shared \
      directory, the larger moves, and the smaller is restored. Both end exchanged, or both where they were.
      Exit codes: 0 exchanged, 1 not.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("One machine.", valueName: "vm"))
  var first: String

  @Argument(help: ArgumentHelp("The other, on another host.", valueName: "vm"))
  var second: String

  @Option(help: ArgumentHelp("live (keeps running) or warm (stands still for the copy).", valueName: "type"))
  var type: MigrationType?

  @Option(help: ArgumentHelp("Attempts per machine after the first.", valueName: "count"))
  var retries: Int?

  private struct Output: Encodable {
    var vm: String
    var partner: String
    var status: String
    var details: String?
    var code: String?
    var seconds: [String: Double]
  }

  func validate() throws {
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
  }

  func run() async throws {
    try await reporting(options) {
      var display = ProgressLines(isQuiet: options.json)
      let result = try await BusClient.visit(options) { client in
        let hosts = try await client.hosts().map(\.report)
        let source = try Self.host(of: first, hosts)
        let destination = try Self.host(of: second, hosts)
        var wish = VMMigration(
          vm: VMName(rawValue: first), destination: destination, type: type, retries: retries)
        wish.partner = SwapPartner(vm: VMName(rawValue: second))
        let task = TaskMessage(id: .fresh(), host: source, body: .migrate(wish), measuresTime: true)
        if !options.json { print("\(first) \(source) ⇄ \(destination) \(second)") }
        return try await client.ask(
          task, of: [wish.vm, VMName(rawValue: second)], progress: { display.show($0) })
      }
      guard let entry = result.entries.first else {
        throw BusClient.Failure(description: result.details ?? "the coordinator gave no reason")
      }
      if options.json {
        let seconds = Dictionary(entry.times.map { ($0.tag, $0.seconds) }) { first, _ in first }
        try printJSON(
          Output(
            vm: first, partner: second, status: entry.isSuccess ? "success" : "error", details: entry.details,
            code: entry.code?.rawValue, seconds: seconds))
      } else if entry.isSuccess {
        let overall = entry.times.first { $0.tag == "overall" }.map { " in \(SizeText.seconds($0.seconds))" } ?? ""
        print("Exchanged\(overall).")
      } else {
        warn("\(entry.details ?? "not exchanged")\(entry.code.map { " (\($0.rawValue))" } ?? "")")
      }
      if !entry.isSuccess { throw Exit.error }
    }
  }

  /// Where the machine runs, as its host's worker reports.
  private static func host(of vm: String, _ reports: [HostReport]) throws -> HostName {
    let found = reports.filter { $0.presence == .online }.filter { report in
      report.activeVMs.contains { $0.name.rawValue == vm }
    }
    guard let host = found.first else {
      throw BusClient.Failure(description: "no online host reports '\(vm)' as running; see 'migfra vms'")
    }
    guard found.count == 1 else {
      throw BusClient.Failure(
        description: "'\(vm)' runs on \(found.map(\.host.rawValue).joined(separator: " and ")); rename one")
    }
    return host.host
  }
}

/// How far migrations are: a line for each new phase, and one every two seconds.
struct ProgressLines {
  let isQuiet: Bool
  private var phases: [VMName: MigrationProgress.Phase] = [:]
  private var last = ContinuousClock.now

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
  }

  mutating func show(_ progress: MigrationProgress) {
    guard !isQuiet else { return }
    let isNew = phases[progress.vm] != progress.phase
    guard isNew || ContinuousClock.now - last > .seconds(2) else { return }
    phases[progress.vm] = progress.phase
    last = .now
    var text = "  \(progress.vm) → \(progress.destination)  \(progress.phase.rawValue)"
    if progress.totalBytes > 0, progress.phase == .copying || progress.phase == .saving {
      text += " \(100 * progress.doneBytes / progress.totalBytes) %"
      if progress.rate > 0 { text += "  \(SizeText.kibibytes(progress.rate / 1024))/s" }
      if let seconds = progress.remainingSeconds { text += "  ETA \(SizeText.seconds(seconds))" }
    }
    print(text)
  }
}
