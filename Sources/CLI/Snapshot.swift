import ArgumentParser
import CaseFormat
import ClusterModel
import Foundation

/// `migfra snapshot`
struct Snapshot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the cluster as it is now to a file, to rehearse on with 'migfra plan'.",
    discussion: """
      Without --evacuate the file has no hosts to empty; 'migfra plan --from FILE --evacuate HOST ...' names them later. \
      docs/planner.md has the format.
      """)

  @OptionGroup var options: ClientOptions
  @OptionGroup var wish: WishOptions

  @Option(
    name: .long, parsing: .upToNextOption, help: ArgumentHelp("Hosts to empty, all at once.", valueName: "host"))
  var evacuate: [String] = []

  @Flag(help: "Allow to move machines on the destinations to make room.")
  var moveOthers = false

  @Option(name: [.short, .long], help: ArgumentHelp("The file; otherwise standard output.", valueName: "case.json"))
  var out: String?

  func validate() throws { try wish.validate(evacuate) }

  func run() async throws {
    try await reporting(options) {
      let cluster = try await BusClient.visit(options) { try await LiveCluster($0) }
      if let unknown = (evacuate + wish.to).first(where: { !cluster.knows(HostName(rawValue: $0)) }) {
        throw BusClient.Failure(description: "\(unknown) has never reported: see 'migfra hosts'")
      }
      let text = ClusterText.json(
        cluster.snapshot(), name: Self.name(), wish: wish.wish(emptying: evacuate, movesOthers: moveOthers))
      guard let out else { return print(text, terminator: "") }
      try text.write(toFile: out, atomically: true, encoding: .utf8)
    }
  }

  /// "cluster 2026-05-04T13:30:00Z"
  private static func name() -> String { "cluster \(Date.now.ISO8601Format())" }
}
