import ClusterModel
import DaemonKit
import Logging
import MessageBus
import MigfraProtocol
import NodeWorkerCore
import Synchronization

/// Takes what comes from the bus, on the bus's thread: tasks are on disk when it returns, so before the broker forgets
/// them.
final class WorkerInbox: Sendable {
  private let settings: Configuration
  private let journal: TaskJournal
  private let logger: Logger
  private let feed: AsyncStream<WorkerInput>.Continuation
  private let takenOver = Mutex(false)

  init(
    settings: Configuration, journal: TaskJournal, logger: Logger, feed: AsyncStream<WorkerInput>.Continuation
  ) {
    self.settings = settings
    self.journal = journal
    self.logger = logger
    self.feed = feed
  }

  var wasTakenOver: Bool { takenOver.withLock { $0 } }

  @Sendable func receive(_ event: BusEvent) {
    switch event {
    case .connected(let sessionPresent):
      logger.info("connected to the broker", metadata: ["session": sessionPresent ? "kept" : "new"])
      feed.yield(.event(.busConnected))
    case .disconnected(let reason, let pause):
      logger.warning(
        "no connection to the broker",
        metadata: ["cause": "\(reason)", "retry-in": "\(SizeText.seconds(pause.inSeconds))"])
    case .takenOver:
      takenOver.withLock { $0 = true }
      feed.finish()
    case .message(let message): receive(message)
    }
  }

  private func receive(_ message: BusMessage) {
    switch message.topic {
    case Topics.coordinatorState: read(message) { .coordinatorReported(try CoordinatorReport.decode($0)) }
    case Topics.reply(to: settings.host): read(message) { .coordinatorAnswered(try TaskResult.decode($0)) }
    default: receiveTask(message)
    }
  }

  private func read(_ message: BusMessage, _ decode: ([UInt8]) throws -> WorkerEvent) {
    do {
      feed.yield(.event(try decode(message.payload)))
    } catch {
      logger.warning("a message could not be read", metadata: ["topic": "\(message.topic)", LogKey.cause: "\(error)"])
    }
  }

  private func receiveTask(_ message: BusMessage) {
    guard !message.isRetained else {
      logger.warning(
        "a retained task was refused: it would run again at every start",
        metadata: ["topic": "\(message.topic)", "way-out": "mosquitto_pub -r -n -t \(message.topic)"])
      return
    }
    let route = route(of: message)
    // A message above the limit is refused by its size; its first bytes are enough to say so again after a restart.
    let payload = Array(message.payload.prefix(TaskMessage.maximumSize + 1))
    do {
      feed.yield(.task(payload, try journal.receive(payload, for: route)))
    } catch {
      logger.error("the journal cannot be written; the task is refused", metadata: [LogKey.cause: "\(error)"])
      let refusal = UnreadableTask(
        id: try? TaskMessage.decode(payload).id, code: .internal,
        description: "\(settings.host) cannot write its journal (\(error)); the task was not executed")
      feed.yield(.event(.taskUnreadable(refusal, TaskArrival(sequence: 0, route: route))))
    }
  }

  private func route(of message: BusMessage) -> ReplyRoute {
    let usual = settings.broker.resultTopic ?? Topics.result(settings.host)
    guard let wanted = message.responseTopic else {
      return ReplyRoute(topic: usual, correlationData: message.correlationData)
    }
    guard Topics.isAcceptableResponse(wanted) else {
      logger.warning("a response topic was refused; the answer goes to the usual one", metadata: ["topic": "\(wanted)"])
      return ReplyRoute(topic: usual, correlationData: message.correlationData)
    }
    return ReplyRoute(topic: wanted, correlationData: message.correlationData)
  }
}
