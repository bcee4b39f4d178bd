import ClusterModel
import DaemonKit
import GuestAgentCore
import Logging
import MessageBus
import MigfraProtocol

/// Takes what comes from the bus, on the bus's thread.
///
/// Requests are not written down: whoever asked hears nothing if the agent dies, and asks again, which is harmless.
final class AgentInbox: Sendable {
  private let vm: VMName
  private let logger: Logger
  private let feed: AsyncStream<AgentInput>.Continuation

  init(vm: VMName, logger: Logger, feed: AsyncStream<AgentInput>.Continuation) {
    self.vm = vm
    self.logger = logger
    self.feed = feed
  }

  @Sendable func receive(_ message: BusMessage) {
    guard let (vm, process) = PscomTopics.process(of: message.topic, "request"), vm == self.vm,
      !message.isRetainedTask(logger: logger),
      let request = message.read(logger: logger, PscomRequest.decode)
    else { return }
    logger.debug("a request came", metadata: ["task": "\(request.rawValue)", "process": "\(process)"])
    // The broker itself drops what expires while we are away, and tells what is left of the time.
    feed.yield(AgentInput(.event(.requested(request, process: process, expiry: message.expiry))))
  }
}

/// What the agent's loop is fed with.
struct AgentInput: Sendable {
  enum Content: Sendable {
    case event(AgentEvent)
    /// It is time to look for processes.
    case lookDue
    /// The service manager waits for a sign of life.
    case beatDue
  }

  var content: Content
  /// When it came about, and not when its turn is.
  let time = ContinuousClock.now

  init(_ content: Content) {
    self.content = content
  }

  /// What is decided about processes is decided on a look that is not older than its cause: a process may have been
  /// started, have ended, or have taken its signal.
  var needsLook: Bool {
    switch content {
    case .lookDue, .event(.requested), .event(.timerFired): true
    case .event, .beatDue: false
    }
  }
}
