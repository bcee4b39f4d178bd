import ArgumentParser
import ClusterModel
import DaemonKit
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto

/// A short visit to the broker: no session is kept.
struct BusClient {
  /// Why the visit failed, in words for the person at the terminal.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let bus: MosquittoBus
  let events: AsyncStream<BusEvent>

  /// Connects with `options`, runs `body`, says goodbye.
  static func visit<T>(
    _ options: ClientOptions, _ body: (BusClient) async throws -> T
  ) async throws -> T {
    var settings = try options.program.configuration().0.broker
    if options.program.namesNoBroker, let broker = ProcessInfo.processInfo.environment["MIGFRA_BROKER"] {
      try settings.apply(broker)
    }
    let session = BusSession(
      clientID: "migfra-\(UUID().uuidString.prefix(8).lowercased())", subscriptions: [], expiry: .zero,
      keepAlive: settings.keepAlive)
    let bus = try settings.bus(for: session)
    let (events, feed) = AsyncStream.makeStream(of: BusEvent.self)
    try bus.start { feed.yield($0) }
    let client = BusClient(bus: bus, events: events)
    do {
      try await client.awaitConnection(to: settings.location)
      let value = try await body(client)
      await bus.close(farewell: nil)
      return value
    } catch {
      await bus.close(farewell: nil)
      throw error
    }
  }

  private func awaitConnection(to location: String) async throws {
    var reasons = 0
    for await event in events {
      switch event {
      case .connected: return
      case .disconnected(let reason, _):
        // A broker that is just being restarted gets a second chance.
        reasons += 1
        if reasons > 3 {
          throw Failure(
            description: "the broker at \(location) cannot be reached: \(reason). "
              + "Name another with --broker HOST:PORT or MIGFRA_BROKER")
        }
      case .takenOver, .message: continue
      }
    }
  }

  /// What the broker keeps on these topics now.
  func retained(_ filters: TopicFilter...) async throws -> [BusMessage] {
    // The broker answers in order: when our own message comes back, everything that it had kept has come.
    let echo = "migfra/echo/\(UUID().uuidString)"
    try await bus.subscribe(to: filters + [TopicFilter(echo)])
    try await bus.publish(BusMessage(topic: echo, payload: []))
    var messages: [BusMessage] = []
    for await event in events {
      guard case .message(let message) = event else { continue }
      if message.topic == echo { break }
      if !message.payload.isEmpty { messages.append(message) }
    }
    return messages
  }

  /// Every host's report, by name, and what the coordinator is doing with it.
  func hosts() async throws -> [(report: HostReport, node: NodeReport?)] {
    var reports: [HostName: HostReport] = [:]
    var nodes: [HostName: NodeReport] = [:]
    for message in try await retained(TopicFilter(Topics.anyState), TopicFilter(Topics.anyNode)) {
      do {
        if TopicFilter(Topics.anyNode).matches(message.topic) {
          let node = try NodeReport.decode(message.payload)
          nodes[node.host] = node
        } else {
          let report = try Topics.report(on: message.topic, message.payload)
          reports[report.host] = report
        }
      } catch {
        warn("\(message.topic) holds something unreadable: \(error)")
      }
    }
    return reports.values.sorted { $0.host < $1.host }.map { ($0, nodes[$0.host]) }
  }

  /// The operations that the coordinator tells of, oldest first.
  func plans() async throws -> [PlanReport] {
    var plans: [PlanReport] = []
    for message in try await retained(TopicFilter(Topics.anyPlan)) {
      do {
        plans.append(try PlanReport.decode(message.payload))
      } catch {
        warn("\(message.topic) holds something unreadable: \(error)")
      }
    }
    return plans.sorted { ($0.began ?? 0, $0.id) < ($1.began ?? 0, $1.id) }
  }

  /// Sends a task to the coordinator and waits for its answer.
  ///
  /// - Parameters:
  ///   - vms: whose progress is wanted.
  ///   - watch: sees every report of the plan that is made for the task.
  func ask(
    _ task: TaskMessage, of vms: Set<VMName> = [], progress: (MigrationProgress) -> Void = { _ in },
    watch: (PlanReport) -> Void = { _ in }
  ) async throws -> TaskResult {
    let kept = try await retained(TopicFilter(Topics.coordinatorState))
    guard let state = try kept.first.map({ try CoordinatorReport.decode($0.payload) }), state.isOnline else {
      throw Failure(description: "no coordinator is online: start migfra-coordinator")
    }
    let progressTopics = vms.isEmpty ? [] : [TopicFilter(Topics.anyProgress)]
    try await bus.subscribe(
      to: [TopicFilter(Topics.coordinatorResult), TopicFilter(Topics.anyPlan)] + progressTopics)
    try await bus.publish(BusMessage(topic: Topics.coordinatorTask, payload: task.encoded()))
    for await event in events {
      switch event {
      case .message(let message) where message.topic == Topics.coordinatorResult:
        // Others' answers come here too.
        guard let result = try? TaskResult.decode(message.payload), result.id == task.id else { continue }
        return result
      case .message(let message) where message.topic == Topics.coordinatorState:
        let now = try CoordinatorReport.decode(message.payload)
        guard now.epoch == state.epoch || now.journal != nil && now.journal == state.journal else {
          throw Failure(
            description:
              "another coordinator came before this one had answered; migrations that had begun are finished "
              + "by the workers. See 'migfra vms'")
        }
        if !now.isOnline { warn("the coordinator went away, and goes on when it is started again; waiting for it") }
      case .message(let message) where TopicFilter(Topics.anyPlan).matches(message.topic):
        guard let report = try? PlanReport.decode(message.payload), report.task == task.id else { continue }
        watch(report)
      case .message(let message) where TopicFilter(Topics.anyProgress).matches(message.topic):
        guard let sample = try? MigrationProgress.decode(message.payload), vms.contains(sample.vm) else { continue }
        progress(sample)
      case .disconnected(let reason, _): warn("no connection to the broker (\(reason)); waiting for it")
      case .connected, .message, .takenOver: continue
      }
    }
    throw Failure(description: "the connection to the broker ended before an answer came")
  }
}

/// Says something beside the command's output.
func warn(_ text: String) {
  FileHandle.standardError.write(Data("migfra: \(text)\n".utf8))
}

/// Runs a command's body, and turns its failure into words and an exit code.
func reporting(_ options: ClientOptions, _ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let code as ExitCode {
    throw code
  } catch {
    if options.json { try printJSON(["error": "\(error)"]) }
    warn("\(error)")
    throw Exit.error
  }
}
