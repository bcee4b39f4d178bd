import ClusterModel
import DaemonKit
import Journal
import Logging
import MessageBus
import MigfraProtocol
import NodeWorkerCore

/// Takes what comes from the bus, on the bus's thread: tasks are on disk when it returns, so before the broker forgets
/// them.
final class WorkerInbox: Sendable {
  private let settings: Configuration
  private let topics: PscomTopics
  private let journal: TaskJournal
  private let logger: Logger
  private let feed: AsyncStream<WorkerInput>.Continuation

  init(
    settings: Configuration, journal: TaskJournal, logger: Logger, feed: AsyncStream<WorkerInput>.Continuation
  ) {
    self.settings = settings
    topics = settings.pscom.topics
    self.journal = journal
    self.logger = logger
    self.feed = feed
  }

  @Sendable func receive(_ message: BusMessage) {
    switch message.topic {
    case Topics.coordinatorState:
      feed(message.read(logger: logger) { .coordinatorReported(try CoordinatorReport.decode($0)) })
    case Topics.reply(to: settings.host):
      feed(message.read(logger: logger) { .coordinatorAnswered(try TaskResult.decode($0)) })
    case Topics.echo(settings.host):
      // One of an earlier incarnation says nothing of this one's connection.
      if message.payload.elementsEqual("\(journal.epoch)".utf8) { feed(.caughtUp) }
    default:
      if let (vm, process) = topics.responder(of: message.topic) {
        feed(.processAnswered(vm, process: process, PscomAnswer.decode(message.payload)))
      } else if let (vm, process) = PscomTopics.process(of: message.topic, "state") {
        receiveReport(of: process, vm, message)
      } else {
        receiveTask(message)
      }
    }
  }

  /// An empty one says that the process has ended.
  private func receiveReport(of process: String, _ vm: VMName, _ message: BusMessage) {
    guard !message.payload.isEmpty else { return feed(.processReported(vm, process: process, nil)) }
    feed(message.read(logger: logger) { .processReported(vm, process: process, try PscomProcessReport.decode($0)) })
  }

  private func feed(_ event: WorkerEvent?) {
    if let event { feed.yield(.event(event)) }
  }

  private func receiveTask(_ message: BusMessage) {
    guard !message.isRetainedTask(logger: logger) else { return }
    let route = message.replyRoute(
      usual: settings.resultTopic, logger: logger)
    // A message above the limit is refused by its size; its first bytes are enough to say so again after a restart.
    let payload = Array(message.payload.prefix(TaskMessage.maximumSize + 1))
    do {
      feed.yield(.task(payload, try journal.receive(payload, for: route)))
      journal.flush(orTell: logger)
    } catch {
      logger.error("the journal cannot be written; the task is refused", metadata: [LogKey.cause: "\(error)"])
      let arrival = TaskArrival(sequence: 0, route: route)
      do throws(UnreadableTask) {
        feed.yield(.event(.taskUnwritten(try TaskMessage.decode(payload), arrival, cause: "\(error)")))
      } catch {
        feed.yield(.event(.taskUnreadable(error, arrival)))
      }
    }
  }
}
