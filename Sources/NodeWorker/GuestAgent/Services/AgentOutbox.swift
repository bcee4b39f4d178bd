import ClusterModel
import DaemonKit
import GuestAgentCore
import Logging
import MessageBus
import MigfraProtocol

/// Everything that the agent says on the bus, in order, each until the broker has it.
final class AgentOutbox: Sendable {
  private enum Letter: Sendable {
    case announcement(AgentRecord.Announcement, PscomProcessReport)
    case withdrawal(AgentRecord.Announcement)
    case answer(process: String, PscomAnswer)
  }

  /// An answer that comes when its request has been given up could pass for that to the next one.
  private static let answerExpiry = Duration.seconds(60)

  private let vm: VMName
  private let bus: any MessageBus
  private let logger: Logger
  private let letters = AsyncStream.makeStream(of: Letter.self)

  init(vm: VMName, bus: any MessageBus, logger: Logger) {
    self.vm = vm
    self.bus = bus
    self.logger = logger
  }

  func announce(_ announcement: AgentRecord.Announcement, _ report: PscomProcessReport) {
    letters.continuation.yield(.announcement(announcement, report))
  }

  func withdraw(_ announcement: AgentRecord.Announcement) {
    letters.continuation.yield(.withdrawal(announcement))
  }

  func answer(process: String, _ answer: PscomAnswer) {
    letters.continuation.yield(.answer(process: process, answer))
  }

  /// Sends until cancelled. `tell` hears what the core must know.
  func run(_ tell: @escaping @Sendable (AgentEvent) -> Void) async {
    for await letter in letters.stream {
      switch letter {
      case .announcement(let announcement, let report):
        await bus.publish(
          BusMessage(topic: announcement.topic, payload: report.encoded(), isRetained: true), orTell: logger)
      case .withdrawal(let announcement):
        let message = BusMessage(topic: announcement.topic, payload: [], isRetained: true)
        if await bus.publish(message, orTell: logger) != nil { tell(.withdrawn(announcement)) }
      case .answer(let process, let answer):
        let message = BusMessage(
          topic: PscomTopics.response(vm, process), payload: answer.encoded(), expiry: Self.answerExpiry)
        await bus.publish(message, orTell: logger)
      }
    }
  }
}

extension AgentRecord.Announcement {
  fileprivate var topic: String { PscomTopics.state(vm, "\(pid)") }
}
