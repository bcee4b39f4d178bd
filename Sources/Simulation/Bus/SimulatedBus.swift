import ClusterModel
import MigfraProtocol

/// Who speaks on the bus.
enum Client: Hashable, Sendable, CustomStringConvertible {
  case coordinator
  case worker(HostName)
  case agent(VMName)
  case scheduler

  var description: String {
    switch self {
    case .coordinator: "coordinator"
    case .worker(let host): "worker \(host)"
    case .agent(let vm): "agent \(vm)"
    case .scheduler: "scheduler"
    }
  }
}

/// What the programs say to each other; the topics follow from it.
struct Message: Sendable {
  enum Content: Sendable {
    case task(TaskMessage, HostName, ReplyRoute)
    case coordinatorTask(TaskMessage, ReplyRoute)
    case result(TaskResult, topic: String)
    case orderAnswer(TaskResult, HostName)
    case reply(TaskResult, HostName)
    case hostState(HostReport)
    case coordinatorState(CoordinatorReport)
    case progress(MigrationProgress, HostName)
    case node(NodeReport)
    case plan(PlanReport)
    case echo(Client, life: Int)
    case request(PscomRequest, VMName, process: String, deadline: Duration?)
    case response(PscomAnswer, VMName, process: String)
    case processState(PscomProcessReport?, VMName, process: String)
  }

  var content: Content
  /// Of its publication: a copy of a message has the same.
  var number = 0
  /// Handed over because the broker had kept it.
  var wasKept = false

  init(_ content: Content) {
    self.content = content
  }

  var topic: String {
    switch content {
    case .task(_, let host, _): Topics.task(host)
    case .coordinatorTask: Topics.coordinatorTask
    case .result(_, let topic): topic
    case .orderAnswer(_, let host): Topics.coordinatorReply(from: host)
    case .reply(_, let host): Topics.reply(to: host)
    case .hostState(let report): Topics.state(report.host)
    case .coordinatorState: Topics.coordinatorState
    case .progress(_, let host): Topics.progress(host)
    case .node(let report): Topics.node(report.host)
    case .plan(let report): Topics.plan(report.id)
    case .echo(.worker(let host), _): Topics.echo(host)
    case .echo: Topics.coordinatorEcho
    case .request(_, let vm, let process, _): "fast/pscom/\(vm)/\(process)/request"
    case .response(_, let vm, let process): "fast/pscom/\(vm)/\(process)/response"
    case .processState(_, let vm, let process): "fast/pscom/\(vm)/\(process)/state"
    }
  }

  var isRetained: Bool {
    switch content {
    case .hostState, .coordinatorState, .node, .plan, .processState: true
    default: false
    }
  }

  var mayBeLost: Bool {
    if case .progress = content { true } else { false }
  }
}

/// A broker: hands each topic's messages over in order, at least once, and keeps what is for those who are away.
struct SimulatedBus: Sendable {
  struct Session: Sendable {
    var isConnected = false
    /// What was not handed over yet, by topic.
    var queues: [String: [Message]] = [:]
    /// When the last message of each topic is handed over.
    var dues: [String: Duration] = [:]
    /// Handed over lately; comes again when the connection was lost meanwhile.
    var lately: [Message] = []

    /// The oldest message that waits.
    var oldest: Int? { queues.values.compactMap { $0.first?.number }.min() }
  }

  var sessions: [Client: Session] = [:]
  var retained: [String: Message] = [:]
  var isUp = true
  private var workers: [Client] = []
  private var count = 0

  mutating func open(_ client: Client) {
    if sessions[client] == nil {
      sessions[client] = Session()
      if case .worker = client { workers.append(client) }
    }
    sessions[client]?.isConnected = true
  }

  mutating func number(_ message: Message) -> Message {
    count += 1
    var message = message
    message.number = count
    return message
  }

  func receivers(of message: Message) -> [Client] {
    switch message.content {
    case .task(_, let host, _), .reply(_, let host): [.worker(host)]
    case .coordinatorTask, .orderAnswer, .hostState, .progress, .node, .plan: [.coordinator]
    case .echo(let client, _): [client]
    case .result: [.scheduler]
    case .coordinatorState, .response, .processState: workers
    case .request(_, let vm, _, _): [.agent(vm)]
    }
  }

  /// What the broker has kept of what the client listens to.
  func kept(for client: Client) -> [Message] {
    retained.values.filter { message in
      switch (message.content, client) {
      case (.coordinatorState, .worker), (.processState, .worker): true
      case (.hostState, .coordinator), (.node, .coordinator), (.plan, .coordinator): true
      default: false
      }
    }.sorted { $0.number < $1.number }
  }
}
