import BlockingPool
import ClusterModel
public import DaemonKit
import GuestAgentCore
public import Logging
public import MessageBus
import MigfraProtocol
public import ServiceLifecycle

/// The guest agent's shell: feeds its core with what happens in the machine and on the bus, and does what it wants.
///
/// One loop owns the core. What reads /proc or writes to the disk runs on a thread of its own, since either may block.
public struct GuestAgentService: Service {
  private let settings: Configuration
  private let bus: any MessageBus
  private let processes: ProcessTable
  private let state: StateFile
  private let logger: Logger
  private let manager: ServiceManager
  private let clock = SystemClock()
  private let pool = BlockingPool(name: "processes", threads: 1)

  public init(
    settings: Configuration, bus: any MessageBus, processes: ProcessTable, state: StateFile, logger: Logger,
    manager: ServiceManager
  ) {
    self.settings = settings
    self.bus = bus
    self.processes = processes
    self.state = state
    self.manager = manager
    var logger = logger
    logger[metadataKey: LogKey.vm] = .string(settings.vm.rawValue)
    self.logger = logger
  }

  /// What the agent wants of the broker.
  ///
  /// There is no will. A connection has one at most, and processes outlive their agent: what was announced of them
  /// stays true when it vanishes. What ended meanwhile the next start takes back.
  public static func session(for settings: Configuration) -> BusSession {
    BusSession(
      clientID: settings.broker.clientID ?? "migfra-guest-agent-\(settings.vm)",
      subscriptions: [TopicFilter(PscomTopics.anyRequest(settings.vm))], keepAlive: settings.broker.keepAlive)
  }

  public func run() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: AgentInput.self)
    let recalled = try state.read()
    let machine = AgentMachine(
      AgentMachine.Configuration(
        vm: settings.vm, boot: processes.boot, settleTime: settings.guestAgent.settleTime),
      recalled: recalled)
    if !machine.suspended.isEmpty {
      logger.notice("processes are suspended since the last run", metadata: ["processes": "\(machine.suspended)"])
    }
    let inbox = AgentInbox(vm: settings.vm, logger: logger, feed: feed)
    // Before anything can arrive.
    feed.yield(AgentInput(.lookDue))
    let listener = BusListener(
      logger: logger, connected: { feed.yield(AgentInput(.event(.busConnected))) }, message: inbox.receive,
      end: { feed.finish() })
    try bus.start(listener.receive)
    let suspended = await cancelWhenGracefulShutdown {
      await work(on: inputs, feed, AgentOutbox(vm: settings.vm, bus: bus, logger: logger), machine)
    }
    if suspended.isEmpty {
      logger.info("stopping")
    } else {
      logger.warning(
        "stopping; processes stay suspended until an agent is asked to resume them",
        metadata: ["processes": "\(suspended)"])
    }
    manager.tell(ServiceNotice(.stopping, status: "stopping; \(suspended.count) processes stay suspended"))
    await bus.close(farewell: nil)
    await pool.shutDown()
    if listener.wasTakenOver {
      throw TakenOver(clientID: Self.session(for: settings).clientID, key: "guest-agent.vm-name")
    }
  }

  /// The loop; ends when the input ends or the task is cancelled. Returns which processes are suspended then.
  private func work(
    on inputs: AsyncStream<AgentInput>, _ feed: AsyncStream<AgentInput>.Continuation, _ outbox: AgentOutbox,
    _ start: AgentMachine
  ) async -> [Int32] {
    await withDiscardingTaskGroup { group in
      group.addTask { await outbox.run { feed.yield(AgentInput(.event($0))) } }
      var machine = start
      var reporter = ServiceReporter(manager, awaiting: [Self.broker, Self.processes])
      if let interval = manager.beatInterval { set(.beatDue, after: interval, feed, &group) }
      var trouble: String?
      var lastLook: ContinuousClock.Instant?
      for await input in inputs {
        var events: [AgentEvent] = []
        if input.needsLook, lastLook.map({ $0 < input.time }) ?? true {
          lastLook = .now
          await look(&events, &trouble)
          reporter.set(trouble: trouble.map { "the processes cannot be looked at: \($0)" })
          if trouble == nil { reporter.got(Self.processes) }
        }
        switch input.content {
        case .event(let event):
          if case .busConnected = event { reporter.got(Self.broker) }
          events.append(event)
        case .beatDue:
          reporter.beat()
          if let interval = manager.beatInterval { set(.beatDue, after: interval, feed, &group) }
        case .lookDue: set(.lookDue, after: settings.guestAgent.scanInterval, feed, &group)
        }
        // What became of a signal comes before everything else: it is not on disk yet.
        while !events.isEmpty {
          let effects = machine.handle(events.removeFirst(), at: clock.now)
          for effect in effects {
            if let outcome = await perform(effect, feed, outbox, &group) { events.insert(outcome, at: 0) }
          }
        }
      }
      group.cancelAll()
      return machine.suspended
    }
  }

  private static let broker = "the broker"
  private static let processes = "the machine's processes"

  /// - Parameter trouble: what is wrong since the last look, so that the log is not filled with it.
  private func look(_ events: inout [AgentEvent], _ trouble: inout String?) async {
    do throws(ProcessTable.Failure) {
      events.append(
        .processesObserved(
          try await pool.run { [processes] () throws(ProcessTable.Failure) in try processes.observe() }
        ))
      trouble = nil
    } catch {
      if trouble == nil {
        logger.error("the processes cannot be looked at", metadata: [LogKey.cause: "\(error)"])
      }
      trouble = "\(error)"
    }
  }

  private func set(
    _ content: AgentInput.Content, after pause: Duration, _ feed: AsyncStream<AgentInput>.Continuation,
    _ group: inout DiscardingTaskGroup
  ) {
    group.addTask {
      // A cancelled timer belongs to an agent that is stopping.
      guard (try? await Task.sleep(for: pause)) != nil else { return }
      feed.yield(AgentInput(content))
    }
  }

  /// Returns what the core must hear of at once.
  private func perform(
    _ effect: AgentEffect, _ feed: AsyncStream<AgentInput>.Continuation, _ outbox: AgentOutbox,
    _ group: inout DiscardingTaskGroup
  ) async -> AgentEvent? {
    switch effect {
    case .save(let record):
      if let failure = await save(record) {
        logger.error("the state could not be written", metadata: [LogKey.cause: "\(failure)"])
      }
    case .signal(let toggles, let intent): return .signalled(await signal(toggles, intent))
    case .announce(let announcement, let report): outbox.announce(announcement, report)
    case .withdraw(let announcement): outbox.withdraw(announcement)
    case .answer(let process, let answer): outbox.answer(process: process, answer)
    case .setTimer(let timer, let pause): set(.event(.timerFired(timer)), after: pause, feed, &group)
    case .note(let note): logger.write(note)
    }
    return nil
  }

  /// nil: it is on disk.
  private func save(_ record: AgentRecord) async -> StateFile.Failure? {
    do throws(StateFile.Failure) {
      try await pool.run { [state] () throws(StateFile.Failure) in try state.write(record) }
      return nil
    } catch {
      return error
    }
  }

  private func signal(_ toggles: [Toggle], _ intent: AgentRecord) async -> [Signalled] {
    if let failure = await save(intent) {
      logger.error("the state could not be written; nothing was signalled", metadata: [LogKey.cause: "\(failure)"])
      return toggles.map {
        Signalled($0.process, .refused("the agent cannot write down what it is about to do: \(failure)"))
      }
    }
    return await pool.run { [processes] in toggles.map(processes.send) }
  }
}
