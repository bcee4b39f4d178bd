import ArgumentParser
import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol

/// `migfra gc`
struct GC: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Removes definitions that were left behind on a host while their machine runs on another.",
    discussion: """
      Only what the coordinator calls a stray and what both hosts' reports show so now: off here, running elsewhere and \
      defined there. The worker looks once more before it does anything. Nothing that runs is ever touched, nor a machine \
      that is defined twice and runs nowhere: these are listed, and yours to decide. \
      Exit codes: 0 nothing is left to be removed, or a dry run; 1 error, or nothing was removed; 2 some were.
      """)

  @OptionGroup var options: ClientOptions

  @Flag(help: "Only list what could be removed, with the task that would do it, and what could not.")
  var dryRun = false

  @Flag(name: .shortAndLong, help: "Remove without asking.")
  var yes = false

  func run() async throws {
    try await reporting(options) {
      try await BusClient.visit(options) { client in
        try await client.requireCoordinator()
        let found = Leftover.all(in: try await client.hosts())
        if dryRun { return try show(found) }
        let removable = found.filter { $0.obstacle == nil }
        if options.json, !yes { throw BusClient.Failure(description: "with --json say --yes, or --dry-run") }
        if !options.json { try show(found) }
        guard !removable.isEmpty else {
          if options.json { try printJSON([Removal]()) }
          return
        }
        guard yes || isWanted(removable.count) else { throw Exit.error }
        try await remove(removable, client)
      }
    }
  }

  private func show(_ found: [Leftover]) throws {
    if options.json { return try printJSON(try found.map(Row.init)) }
    guard !found.isEmpty else { return print("no machine is on more than one host") }
    for (title, isRemovable) in [("Can be removed:", true), ("Not for gc:", false)] {
      let some = found.filter { ($0.obstacle == nil) == isRemovable }
      if some.isEmpty { continue }
      print(title)
      for leftover in some {
        print("  \(leftover.host)  \(leftover.copy.name)  \(leftover.copy.description)")
        print("    \(try leftover.obstacle ?? leftover.command())")
      }
    }
  }

  /// Asks on a terminal; where nobody can answer, nothing is removed.
  private func isWanted(_ count: Int) -> Bool {
    guard isatty(STDIN_FILENO) == 1 else {
      warn("nothing was removed: say --yes where nobody can be asked")
      return false
    }
    print("Remove \(count == 1 ? "this definition" : "these \(count) definitions")? [y/N] ", terminator: "")
    fflush(nil)
    return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
  }

  private func remove(_ leftovers: [Leftover], _ client: BusClient) async throws {
    var removals: [Removal] = []
    for leftover in leftovers {
      let task = TaskMessage(id: .fresh(), host: leftover.host, body: leftover.order, requester: requester)
      let result = try await client.ask(task, worker: leftover.host, of: [], progress: { _ in })
      let entry = result.entries.first
      removals.append(
        Removal(
          host: leftover.host.rawValue, vm: leftover.copy.name.rawValue,
          isRemoved: result.status != .error && entry?.isSuccess == true, details: entry?.details ?? result.details))
      if options.json { continue }
      let last = removals[removals.count - 1]
      print("\(last.host)  \(last.vm)  \(last.isRemoved ? "removed" : "stays: \(last.details ?? "not done")")")
    }
    if options.json { try printJSON(removals) }
    let count = removals.filter(\.isRemoved).count
    if count < removals.count { throw count == 0 ? Exit.error : Exit.partial }
  }

  /// What `--dry-run --json` prints.
  private struct Row: Encodable {
    var host: String
    var vm: String
    var uuid: String
    var why: String
    /// Why it is left alone; missing: it can be removed.
    var obstacle: String?
    var topic: String?
    /// The message that removes it.
    var task: String?

    init(_ leftover: Leftover) throws {
      host = leftover.host.rawValue
      vm = leftover.copy.name.rawValue
      uuid = leftover.copy.uuid
      why = leftover.copy.description
      obstacle = leftover.obstacle
      guard obstacle == nil else { return }
      topic = Topics.task(leftover.host)
      task = try leftover.message()
    }
  }

  private struct Removal: Encodable {
    var host: String
    var vm: String
    var isRemoved: Bool
    var details: String?
  }
}

extension BusClient {
  /// Nobody else tells a copy too many from a machine on its way.
  fileprivate func requireCoordinator() async throws {
    let kept = try await retained(TopicFilter(Topics.coordinatorState))
    guard let state = try kept.first.map({ try CoordinatorReport.decode($0.payload) }), state.isOnline else {
      throw Failure(description: "no coordinator is online, and it is what finds strays: start migfra-coordinator")
    }
  }
}
