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

  func validate() throws {
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
  }

  func run() async throws {
    try await reporting(options) {
      var display = ProgressLines(isQuiet: options.json)
      let result = try await BusClient.visit(options) { client in
        let source = try await client.host(of: first)
        let destination = try await client.host(of: second)
        var wish = VMMigration(
          vm: VMName(rawValue: first), destination: destination, type: type, retries: retries)
        wish.partner = SwapPartner(vm: VMName(rawValue: second))
        let task = TaskMessage(
          id: .fresh(), host: source, body: .migrate(wish), measuresTime: true, requester: requester)
        if !options.json { print("\(first) \(source) ⇄ \(destination) \(second)") }
        return try await client.ask(
          task, of: [wish.vm, VMName(rawValue: second)], progress: { display.show($0) })
      }
      try finish(result, of: first, done: "Exchanged", options)
    }
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
