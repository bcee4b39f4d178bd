import ArgumentParser
import ClusterModel
import Foundation
import MigfraProtocol

/// `migfra cordon HOST`
struct Cordon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lets no machine come to a host; those on it stay.")

  @OptionGroup var options: ClientOptions

  @Option(help: "Why, for those who wonder later.")
  var reason: String?

  @Argument(help: "The host.")
  var host: String

  func run() async throws {
    try await order(.cordon(reason: reason ?? "cordoned by \(NSUserName())"), host, options)
  }
}

/// `migfra uncordon HOST`
struct Uncordon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lets machines come to a host again, after it was cordoned or emptied.")

  @OptionGroup var options: ClientOptions

  @Argument(help: "The host.")
  var host: String

  func run() async throws {
    try await order(.uncordon, host, options)
  }
}

/// Sends a small order about a host, and prints what came of it.
private func order(_ body: TaskMessage.Body, _ host: String, _ options: ClientOptions) async throws {
  try await reporting(options) {
    let task = TaskMessage(id: .fresh(), host: HostName(rawValue: host), body: body, requester: requester)
    let result = try await BusClient.visit(options) { try await $0.ask(task) }
    if options.json {
      try printJSON(["host": host, "status": result.status?.rawValue ?? "error", "details": result.details ?? ""])
    } else {
      print(result.details ?? result.title.rawValue)
    }
    if result.status != .success { throw Exit.error }
  }
}

extension TaskID {
  /// An id that nobody has used.
  static func fresh() -> TaskID {
    TaskID(rawValue: "migfra-\(UUID().uuidString.lowercased())")
  }
}
