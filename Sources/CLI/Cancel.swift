import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra cancel ID`
struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends an evacuation or an exchange before its own end.",
    discussion: """
      Nothing more is begun, migrations under way are given up where they can be, and what an exchange has moved goes home. \
      The command ends when all that has happened. Exit codes: 0 cancelled, 1 it had ended, or nobody knows it.
      """)

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, as 'migfra evacuate' shows it, or the id of the task.", valueName: "id"))
  var id: String

  func run() async throws {
    try await reporting(options) {
      let task = TaskMessage(id: .fresh(), body: .cancel(TaskID(rawValue: id)))
      let result = try await BusClient.visit(options) { try await $0.ask(task) }
      if options.json {
        try printJSON(["id": id, "status": result.status?.rawValue ?? "error", "details": result.details ?? ""])
      } else {
        print(result.details ?? result.title.rawValue)
      }
      if result.status != .success { throw Exit.error }
    }
  }
}
