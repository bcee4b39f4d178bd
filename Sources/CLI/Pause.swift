import ArgumentParser
import ClusterModel
import MigfraProtocol

/// `migfra pause ID`
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lets an operation begin nothing more until it is resumed; what is under way comes to its end.")

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, or the id of the task.", valueName: "id"))
  var id: String

  func run() async throws {
    try await tell(.pauseOperation(TaskID(rawValue: id)), about: id, options)
  }
}

/// `migfra resume ID`
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lets a paused operation go on.")

  @OptionGroup var options: ClientOptions

  @Argument(help: ArgumentHelp("The plan, or the id of the task.", valueName: "id"))
  var id: String

  func run() async throws {
    try await tell(.resumeOperation(TaskID(rawValue: id)), about: id, options)
  }
}

/// Sends a small order about an operation, and prints what came of it.
private func tell(_ body: TaskMessage.Body, about id: String, _ options: ClientOptions) async throws {
  try await reporting(options) {
    let task = TaskMessage(id: .fresh(), body: body, requester: requester)
    let result = try await BusClient.visit(options) { try await $0.ask(task) }
    if options.json {
      try printJSON(["id": id, "status": result.status?.rawValue ?? "error", "details": result.details ?? ""])
    } else {
      print(result.details ?? result.title.rawValue)
    }
    if result.status != .success { throw Exit.error }
  }
}
