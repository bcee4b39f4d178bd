import ArgumentParser
import ClusterModel
import MessageBus
import MigfraProtocol
import Mosquitto

/// `migfra migrate VM HOST`
struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Moves one virtual machine to another host.",
    discussion: """
      Asks the worker of the machine's host; no coordinator is needed. Both ends are asked before it is called done. \
      Ctrl-C ends the waiting, not the migration: 'migfra cancel ID --host HOST', as is shown, ends that.
      Exit codes: 0 moved, 1 not.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: "The machine.")
  var vm: String

  @Argument(help: ArgumentHelp("Where to.", valueName: "host"))
  var destination: String

  @Option(
    help: ArgumentHelp(
      "live (keeps running), warm (stands still for the copy), offline (saved and restored; also for one that is off).",
      valueName: "type"))
  var type: MigrationType?

  @Option(help: ArgumentHelp("Attempts after the first.", valueName: "count"))
  var retries: Int?

  @Option(help: ArgumentHelp("At most so fast.", valueName: "MiB/s"))
  var bandwidth: Int?

  @Option(help: ArgumentHelp("Give it up after so long.", valueName: "seconds"))
  var timeout: Int?

  @Flag(help: "After the first pass go on at the destination and fetch the rest from there.")
  var postCopy = false

  func validate() throws {
    guard HostName(rawValue: destination).isValid else { throw ValidationError("'\(destination)' is no host name") }
    if let retries, !(0...1000).contains(retries) { throw ValidationError("--retries: expected 0 to 1000") }
    for (name, value) in [("--bandwidth", bandwidth), ("--timeout", timeout)] {
      if let value, !(1...1_000_000).contains(value) { throw ValidationError("\(name): expected 1 to 1000000") }
    }
  }

  func run() async throws {
    try await reporting(options) {
      var display = ProgressLines(isQuiet: options.json)
      let result = try await BusClient.visit(options) { client in
        let source = try await client.host(of: vm)
        var wish = VMMigration(
          vm: VMName(rawValue: vm), destination: HostName(rawValue: destination), type: type, retries: retries)
        wish.tuning.bandwidth = bandwidth
        wish.tuning.timeout = timeout
        wish.tuning.postCopies = postCopy
        let id = TaskID.fresh()
        let task = TaskMessage(id: id, host: source, body: .migrate(wish), measuresTime: true)
        if !options.json {
          print("\(vm) \(source) → \(destination)  (to end it: migfra cancel \(id.rawValue) --host \(source))")
        }
        return try await client.ask(task, worker: source, of: [wish.vm], progress: { display.show($0) })
      }
      try finish(result, of: vm, done: "Moved", options)
    }
  }
}

/// What `migfra migrate --json` and `migfra swap --json` print.
private struct MoveOutput: Encodable {
  var vm: String
  var status: String
  var details: String?
  var code: String?
  var processId: Int?
  var seconds: [String: Double]
}

/// Prints what became of one machine's way, and throws the exit code of a failure.
func finish(_ result: TaskResult, of vm: String, done: String, _ options: ClientOptions) throws {
  guard let entry = result.entries.first else {
    throw BusClient.Failure(description: result.details ?? "no reason was given")
  }
  if options.json {
    let seconds = Dictionary(entry.times.map { ($0.tag, $0.seconds) }) { first, _ in first }
    try printJSON(
      MoveOutput(
        vm: vm, status: entry.isSuccess ? "success" : "error", details: entry.details, code: entry.code?.rawValue,
        processId: entry.processID, seconds: seconds))
  } else if entry.isSuccess {
    func seconds(_ tag: String) -> String? {
      entry.times.first { $0.tag == tag }.map { SizeText.seconds($0.seconds) }
    }
    let downtime = seconds("downtime").map { ", it stood still for \($0)" } ?? ""
    print("\(done)\(seconds("overall").map { " in \($0)" } ?? "")\(downtime).")
  } else {
    warn("\(entry.details ?? "not done")\(entry.code.map { " (\($0.rawValue))" } ?? "")")
  }
  if !entry.isSuccess { throw Exit.error }
}

extension BusClient {
  /// Where the machine is, as its host's worker reports; one that is off, too, if no other is meant.
  func host(of vm: String) async throws -> HostName {
    let reports = try await hosts().map(\.report).filter { $0.presence == .online }
    let active = reports.filter { report in report.activeVMs.contains { $0.name.rawValue == vm } }
    let found = active.isEmpty ? reports.filter { $0.vms.contains { $0.name.rawValue == vm } } : active
    guard let host = found.first else {
      throw Failure(description: "no online host reports '\(vm)'; see 'migfra vms'")
    }
    guard found.count == 1 else {
      throw Failure(description: "'\(vm)' is on \(found.map(\.host.rawValue).joined(separator: " and ")); rename one")
    }
    return host.host
  }

  /// Sends a task to a host's worker and waits for its answer, on a topic of this visit's own.
  func ask(
    _ task: TaskMessage, worker host: HostName, of vms: Set<VMName>, progress: (MigrationProgress) -> Void
  ) async throws -> TaskResult {
    let reply = "migfra/reply/\(task.id?.rawValue ?? "")"
    try await bus.subscribe(to: [
      TopicFilter(reply), TopicFilter(Topics.progress(host)), TopicFilter(Topics.state(host)),
    ])
    try await bus.publish(BusMessage(topic: Topics.task(host), payload: task.encoded(), responseTopic: reply))
    for await event in events {
      switch event {
      case .message(let message) where message.topic == reply: return try TaskResult.decode(message.payload)
      case .message(let message) where message.topic == Topics.progress(host):
        guard let sample = try? MigrationProgress.decode(message.payload), vms.contains(sample.vm) else { continue }
        progress(sample)
      case .message(let message) where message.topic == Topics.state(host):
        guard let report = try? HostReport.decode(message.payload), report.presence != .online else { continue }
        warn("the worker of \(host) is offline; it answers when it is started again. Waiting for it")
      case .disconnected(let reason, _): warn("no connection to the broker (\(reason)); waiting for it")
      case .connected, .message, .takenOver: continue
      }
    }
    throw Failure(description: "the connection to the broker ended before an answer came")
  }
}
