import ClusterModel
import CoordinatorCore
import DaemonKit
import Journal
import Logging
import MessageBus
import MigfraProtocol

/// Everything that the coordinator says on the bus, in order, each until the broker has it.
final class CoordinatorOutbox: Sendable {
  private enum Letter: Sendable {
    case announcement(CoordinatorReport)
    case echo(UInt64)
    case effect(CoordinatorEffect)
    case news(CoordinatorNews)
    case answer([UInt8], TaskArrival)
  }

  private let bus: any MessageBus
  private let journal: TaskJournal
  private let logger: Logger
  private let letters = AsyncStream.makeStream(of: Letter.self)

  init(bus: any MessageBus, journal: TaskJournal, logger: Logger) {
    self.bus = bus
    self.journal = journal
    self.logger = logger
  }

  func announce(_ report: CoordinatorReport) {
    letters.continuation.yield(.announcement(report))
  }

  /// Asks the broker to send this back.
  func echo(_ epoch: UInt64) {
    letters.continuation.yield(.echo(epoch))
  }

  /// Sends an answer that is in the journal.
  func deliver(_ answer: [UInt8], for arrival: TaskArrival) {
    letters.continuation.yield(.answer(answer, arrival))
  }

  func send(_ effect: CoordinatorEffect) {
    letters.continuation.yield(.effect(effect))
  }

  func tell(_ news: CoordinatorNews) {
    letters.continuation.yield(.news(news))
  }

  /// Sends until cancelled. `tell` hears what the core must know.
  func run(_ tell: @escaping @Sendable (CoordinatorEvent) -> Void) async {
    for await letter in letters.stream {
      switch letter {
      case .announcement(let report):
        await publish(BusMessage(topic: Topics.coordinatorState, payload: report.encoded(), isRetained: true))
      case .echo(let epoch):
        await publish(BusMessage(topic: Topics.coordinatorEcho, payload: Array("\(epoch)".utf8)))
      case .effect(.send(let task, let host)):
        let message = BusMessage(
          topic: Topics.task(host), payload: task.encoded(), responseTopic: Topics.coordinatorReply(from: host))
        if await publish(message) == .noSubscriber, let id = task.id { tell(.taskUndeliverable(id, to: host)) }
      case .answer(let payload, let arrival):
        let message = BusMessage(
          topic: arrival.route.topic, payload: payload, correlationData: arrival.route.correlationData)
        if await bus.publish(answer: message, orOn: Topics.coordinatorResult, orTell: logger) != nil {
          journal.settle(arrival, orTell: logger)
        }
      case .effect(.publishPlan(let report)):
        await publish(BusMessage(topic: Topics.plan(report.id), payload: report.encoded(), isRetained: true))
      case .effect(.forgetPlan(let plan)):
        await publish(BusMessage(topic: Topics.plan(plan), payload: [], isRetained: true))
      case .effect(.publishNode(let report)):
        await publish(BusMessage(topic: Topics.node(report.host), payload: report.encoded(), isRetained: true))
      case .effect: break
      case .news(let news): await publish(BusMessage(topic: Topics.coordinatorEvent, payload: news.encoded()))
      }
    }
  }

  @discardableResult
  private func publish(_ message: BusMessage) async -> Delivery? {
    await bus.publish(message, orTell: logger)
  }
}
