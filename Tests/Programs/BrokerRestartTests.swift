import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

/// A broker that goes away and comes back at any moment, with its memory or without: no task that a worker has taken and no
/// answer is lost, because who is in doubt asks again by the id.
@Suite("Tasks and answers over the broker's restarts", .requiresMosquitto, .timeLimit(.minutes(10)))
struct BrokerRestartTests {
  struct Way: Sendable, CustomTestStringConvertible {
    let isPersistent: Bool
    let isKilled: Bool
    var testDescription: String { "\(isKilled ? "kill -9" : "SIGTERM"), persistence \(isPersistent ? "on" : "off")" }
  }

  static let ways = [true, false].flatMap { isPersistent in
    [true, false].map { Way(isPersistent: isPersistent, isKilled: $0) }
  }

  @Test("Each task is answered, and a repeat gets the first answer, also of the worker's next run", arguments: ways)
  func restarts(_ way: Way) async throws {
    var options = Broker.Options()
    options.isPersistent = way.isPersistent
    let broker = try await Broker.running(options)
    let folder = try TemporaryFolder()
    let arguments = [
      "--broker", "127.0.0.1:\(broker.port)", "--host", "node1", "--hypervisor-uri", "test:///default",
      "--state-directory", folder.file("state"),
    ]
    let worker = try Programs.start("migfra-worker", arguments, output: folder.file("log"))
    let log = EventLog()
    let client = try MosquittoBus(
      session: BusSession(clientID: "client", subscriptions: ["fast/migfra/node1/result", "fast/migfra/node1/state"]),
      broker: broker.address)
    try client.start(log.handler)
    try await eventually("report") { log.messages.contains { $0.topic == Topics.state("node1") } }

    var ids: [TaskID] = []
    for round in 0..<5 {
      for number in 0..<8 {
        let id = TaskID(rawValue: "r\(round)-\(number)")
        ids.append(id)
        // The broker has it when this returns, and may be gone before the worker or the client has.
        try await ask(id, client)
        if number == round {
          if way.isKilled { try await broker.kill() } else { try await broker.stop() }
          try await broker.start()
        }
      }
    }
    try await everyAnswer(to: ids, client, log)
    let first = answers(log)
    #expect(first.allSatisfy { Set($0.value).count == 1 }, "one answer only for each id")

    // The next run knows them from its journal.
    let before = log.messages.count
    try await worker.end(with: SIGKILL)
    if way.isKilled { try await broker.kill() } else { try await broker.stop() }
    try await broker.start()
    let again = try Programs.start("migfra-worker", arguments, output: folder.file("log"))
    // A broker that has forgotten the worker's session keeps nothing for it before it is there.
    try await eventually("report of the next run", within: .seconds(30)) {
      log.messages.dropFirst(before).contains { message in
        message.topic == Topics.state("node1") && (try? HostReport.decode(message.payload))?.presence == .online
      }
    }
    for id in ids { try await ask(id, client) }
    try await eventually("answers of the next run", within: .seconds(30)) {
      Set(answers(log, since: before).keys).isSuperset(of: ids)
    }
    #expect(answers(log).allSatisfy { Set($0.value).count == 1 }, "the next run says the same")
    try await again.end(with: SIGTERM)
    #expect(again.exitCode == 0)
    await client.close(farewell: nil)
  }

  /// A machine that is there and one that is not, so that the answer has both a success and words of its own.
  private func ask(_ id: TaskID, _ client: MosquittoBus) async throws {
    let text = "{task: suspend vm, id: \(id), list: [{vm-name: test}, {vm-name: none-\(id)}]}"
    try await client.publish(BusMessage(topic: Topics.task("node1"), payload: Array(text.utf8)))
  }

  /// Asks again for what has no answer, as a client does that is in doubt.
  private func everyAnswer(to ids: [TaskID], _ client: MosquittoBus, _ log: EventLog) async throws {
    for _ in 0..<6 {
      let missing = Set(ids).subtracting(answers(log).keys)
      if missing.isEmpty { return }
      for id in missing { try await ask(id, client) }
      // Who is not answered now is asked once more.
      try? await eventually("answers", within: .seconds(5)) { Set(answers(log).keys).isSuperset(of: ids) }
    }
    Issue.record("without an answer: \(Set(ids).subtracting(answers(log).keys))")
  }

  private func answers(_ log: EventLog, since: Int = 0) -> [TaskID: [String]] {
    var answers: [TaskID: [String]] = [:]
    for message in log.messages.dropFirst(since) where message.topic == Topics.result("node1") {
      guard let result = try? TaskResult.decode(message.payload), let id = result.id else { continue }
      answers[id, default: []].append(String(decoding: message.payload, as: UTF8.self))
    }
    return answers
  }
}
