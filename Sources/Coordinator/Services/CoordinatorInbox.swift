import ClusterModel
import CoordinatorCore
import DaemonKit
import Journal
import Logging
import MessageBus
import MigfraProtocol
import Synchronization

/// Takes what comes from the bus, on the bus's thread, and says what it means.
///
/// Tasks wait until everything that the broker had kept has come: to one that was sent while no coordinator ran, the
/// hosts would all be unknown.
final class CoordinatorInbox: Sendable {
  private let logger: Logger
  private let feed: AsyncStream<CoordinatorInput>.Continuation
  private let journal: TaskJournal
  /// Tasks that came too early; nil: not any more.
  private let early = Mutex<[CoordinatorEvent]?>([])

  init(journal: TaskJournal, logger: Logger, feed: AsyncStream<CoordinatorInput>.Continuation) {
    self.journal = journal
    self.logger = logger
    self.feed = feed
  }

  @Sendable func receive(_ message: BusMessage) {
    let levels = message.topic.split(separator: "/", omittingEmptySubsequences: false)
    guard levels.count >= 3 else { return }
    switch (levels[1], levels[2], levels.last) {
    case ("coordinator", "task", _): receiveTask(message)
    case ("coordinator", "echo", _): if message.payload.elementsEqual("\(journal.epoch)".utf8) { catchUp() }
    case ("coordinator", "reply", let host?):
      let host = HostName(rawValue: String(host))
      read(message) { .workerAnswered(try TaskResult.decode($0), from: host) }
    // Only what the broker kept is news: the rest is the echo of what this coordinator has just said.
    case ("coordinator", "node", _):
      if message.isRetained { read(message) { .nodeRecalled(try NodeReport.decode($0)) } }
    case ("coordinator", "plan", _):
      if message.isRetained { read(message) { .planRecalled(try PlanReport.decode($0)) } }
    case ("migfra", _, "state"): read(message) { .hostReported(try Topics.report(on: message.topic, $0)) }
    case ("migfra", _, "progress"): read(message) { .migrationProgressed(try MigrationProgress.decode($0)) }
    default: logger.debug("a message on a topic without meaning", metadata: ["topic": "\(message.topic)"])
    }
  }

  private func read(_ message: BusMessage, _ decode: ([UInt8]) throws -> CoordinatorEvent) {
    if let event = message.read(logger: logger, decode) { feed.yield(.event(event)) }
  }

  /// A task from the bus, or one that the last run has left.
  func take(_ task: CoordinatorEvent) {
    let waits = early.withLock { early in
      early?.append(task)
      return early != nil
    }
    if !waits { feed.yield(.event(task)) }
  }

  /// Everything that was kept has come.
  private func catchUp() {
    let waiting = early.withLock { early in
      defer { early = nil }
      return early ?? []
    }
    feed.yield(.event(.caughtUp))
    for task in waiting { feed.yield(.event(task)) }
  }

  private func receiveTask(_ message: BusMessage) {
    guard !message.isRetainedTask(logger: logger) else { return }
    let route = message.replyRoute(usual: Topics.coordinatorResult, logger: logger)
    // A message above the limit is refused by its size; its first bytes are enough to say so again after a restart.
    let payload = Array(message.payload.prefix(TaskMessage.maximumSize + 1))
    do {
      take(Self.event(for: payload, try journal.receive(payload, for: route)))
      journal.flush(orTell: logger)
    } catch {
      logger.error("the journal cannot be written; the task is refused", metadata: [LogKey.cause: "\(error)"])
      let refusal = UnreadableTask(
        id: try? TaskMessage.decode(payload).id, code: .internal,
        description: "the coordinator cannot write its journal (\(error)); the task was not executed")
      feed.yield(.event(.taskUnreadable(refusal, from: TaskArrival(sequence: 0, route: route))))
    }
  }

  static func event(for payload: [UInt8], _ arrival: TaskArrival) -> CoordinatorEvent {
    do throws(UnreadableTask) {
      return .taskReceived(try TaskMessage.decode(payload), from: arrival)
    } catch {
      return .taskUnreadable(error, from: arrival)
    }
  }
}
