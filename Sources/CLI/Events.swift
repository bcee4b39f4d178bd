import ArgumentParser
import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import YAML

/// `migfra events`
struct Events: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follows what the coordinator does and meets, whoever asked for it, until Ctrl-C.")

  @OptionGroup var options: ClientOptions

  /// What `--json` prints of each, on a line of its own.
  private struct Line: Encodable {
    var time: Double
    var level: String
    var event: String
    var about: [String: String]
  }

  func run() async throws {
    try await reporting(options) {
      try await BusClient.visit(options) { client in
        try await client.bus.subscribe(to: [TopicFilter(Topics.coordinatorEvent)])
        for await event in client.events {
          switch event {
          case .message(let message) where message.topic == Topics.coordinatorEvent:
            do {
              try show(CoordinatorNews.decode(message.payload))
            } catch let error as YAMLError {
              warn("\(message.topic) says something unreadable: \(error)")
            }
          case .disconnected(let reason, _): warn("no connection to the broker (\(reason)); waiting for it")
          case .connected, .message, .takenOver: continue
          }
        }
      }
    }
  }

  private func show(_ news: CoordinatorNews) throws {
    let note = news.note
    guard !options.json else {
      let line = Line(time: news.unixTime, level: note.level.rawValue, event: note.message, about: note.metadata)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return say(String(decoding: try encoder.encode(line), as: UTF8.self))
    }
    let about = note.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    say("\(timeText(news.unixTime)) \(note.level == .warning ? "! " : "")\(note.message): \(about)")
  }

  /// At once: whoever reads this through a pipe wants each line when it happens.
  private func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
  }
}
