import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra cancel ID`
struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends an operation or a migration before its own end.",
    discussion: """
      Nothing more is begun, migrations under way are given up where they can be, and what an exchange has moved goes home. \
      The command ends when all that has happened. Exit codes: 0 cancelled, 1 it had ended, or nobody knows it.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, as 'migfra evacuate' shows it, or the id of the task.", valueName: "id"))
  var id: String

  @Option(
    help: ArgumentHelp(
      "Asks the worker of this host, not the coordinator: for what that worker does by itself, as 'migfra migrate'.",
      valueName: "host"))
  var host: String?

  func validate() throws {
    if let host, !HostName(rawValue: host).isValid { throw ValidationError("'\(host)' is no host name") }
  }

  func run() async throws {
    try await reporting(options) {
      let task = TaskMessage(id: .fresh(), body: .cancel(TaskID(rawValue: id)))
      let result = try await BusClient.visit(options) { client in
        guard let host else { return try await client.ask(task) }
        return try await client.ask(task, worker: HostName(rawValue: host), of: [], progress: { _ in })
      }
      if options.json {
        try printJSON(["id": id, "status": result.status?.rawValue ?? "error", "details": result.details ?? ""])
      } else {
        print(result.details ?? result.title.rawValue)
      }
      if result.status != .success { throw Exit.error }
    }
  }
}
