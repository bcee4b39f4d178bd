import ClusterModel
import CoordinatorCore
public import DaemonKit
public import Journal
public import Logging
public import MessageBus
import MigfraProtocol
public import ServiceLifecycle

/// The coordinator's shell: feeds its core with what happens and does what the core wants.
public struct CoordinatorService: Service {
  private let settings: Configuration
  private let bus: any MessageBus
  private let journal: TaskJournal
  private let logger: Logger
  private let manager: ServiceManager
  private let clock = SystemClock()

  public init(
    settings: Configuration, bus: any MessageBus, journal: TaskJournal, logger: Logger, manager: ServiceManager
  ) {
    self.settings = settings
    self.bus = bus
    self.journal = journal
    self.logger = logger
    self.manager = manager
  }

  /// What the coordinator wants of the broker; the will says that it is gone.
  public static func session(for settings: Configuration, epoch: UInt64, journal: String) -> BusSession {
    BusSession(
      clientID: settings.broker.clientID ?? "migfra-coordinator",
      subscriptions: [
        // What an earlier incarnation left comes first, then what the hosts say, then what is asked for.
        TopicFilter(Topics.anyNode), TopicFilter(Topics.anyPlan), TopicFilter(Topics.anyState),
        TopicFilter(Topics.anyProgress), TopicFilter(Topics.anyCoordinatorReply), TopicFilter(Topics.coordinatorEcho),
        TopicFilter(Topics.coordinatorTask),
      ],
      will: BusMessage(
        topic: Topics.coordinatorState,
        payload: CoordinatorReport(isOnline: false, epoch: epoch, version: Version.current, journal: journal).encoded(),
        isRetained: true), keepAlive: settings.broker.keepAlive)
  }

  public func run() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: CoordinatorInput.self)
    let inbox = CoordinatorInbox(journal: journal, logger: logger, feed: feed)
    let outbox = CoordinatorOutbox(bus: bus, journal: journal, logger: logger)
    var machine = CoordinatorMachine(configuration)
    let effects = try recall(into: &machine, inbox, outbox)
    let listener = BusListener(
      logger: logger, connected: { feed.yield(.connected) }, message: inbox.receive, end: { feed.finish() })
    try bus.start(listener.receive)
    let failure = await cancelWhenGracefulShutdown { [machine] in
      await work(on: inputs, feed, outbox, machine, beginningWith: effects)
    }
    logger.info("stopping")
    manager.tell(ServiceNotice(.stopping, status: "stopping; operations go on with the next start"))
    await bus.close(
      farewell: BusMessage(
        topic: Topics.coordinatorState,
        payload: report(isOnline: false).encoded(), isRetained: true)
    )
    try journal.close()
    if let failure { throw failure }
    if listener.wasTakenOver {
      throw TakenOver(clientID: Self.session(for: settings, epoch: 0, journal: "").clientID)
    }
  }

  private var configuration: CoordinatorMachine.Configuration {
    let limits = MigrationLimits(
      total: settings.limits.migrations, outgoing: settings.limits.outgoingMigrations,
      incoming: settings.limits.incomingMigrations, linkShare: Double(settings.limits.linkShare) / 100,
      bandwidthMiB: settings.limits.bandwidthMiB)
    return CoordinatorMachine.Configuration(
      epoch: journal.epoch, limits: limits, mode: settings.defaults.mode,
      migrationType: settings.defaults.migrationType, overbooking: settings.defaults.overbooking,
      retries: settings.defaults.retries,
      // The broker waits for one and a half times the keep-alive, and a worker's will for five seconds more.
      strayPatience: settings.broker.keepAlive * 2 + .seconds(10))
  }

  private func report(isOnline: Bool) -> CoordinatorReport {
    CoordinatorReport(isOnline: isOnline, epoch: journal.epoch, version: Version.current, journal: journal.name)
  }

  /// Takes up what the last incarnation left: answers that were not delivered, operations, tasks, what was said of hosts.
  private func recall(
    into machine: inout CoordinatorMachine, _ inbox: CoordinatorInbox, _ outbox: CoordinatorOutbox
  ) throws -> [CoordinatorEffect] {
    let recalled = try journal.recall()
    for known in recalled.answers { machine.recall(known.task, answeredWith: known.result) }
    let answered = Set((recalled.finished + recalled.open).filter { $0.answer != nil }.map(\.arrival.sequence))
    let now = clock.now
    var effects: [CoordinatorEffect] = []
    var continued: Set<Int64> = []
    for saved in try journal.operations() {
      let isAnswered = saved.operation.sequence.map(answered.contains) ?? false
      // Whoever wanted to end one that has its answer, and was not told, asks anew.
      if !isAnswered { continued.formUnion(saved.operation.sequences) }
      effects += machine.restore(saved, isAnswered: isAnswered, at: now)
    }
    effects += machine.handle(.originsRecalled(try journal.origins()), at: now)
    for report in try journal.nodes() { effects += machine.handle(.nodeRecalled(report), at: now) }
    for record in recalled.open {
      if let answer = record.answer {
        outbox.deliver(answer, for: record.arrival)
      } else if !continued.contains(record.arrival.sequence) {
        inbox.take(CoordinatorInbox.event(for: record.payload, record.arrival))
      }
    }
    return effects
  }

  /// The loop; ends when the input ends, the task is cancelled, or the journal cannot be written: what is not on disk must
  /// not be done. Returns why in that case.
  private func work(
    on inputs: AsyncStream<CoordinatorInput>, _ feed: AsyncStream<CoordinatorInput>.Continuation,
    _ outbox: CoordinatorOutbox, _ start: CoordinatorMachine, beginningWith first: [CoordinatorEffect]
  ) async -> (any Error)? {
    await withDiscardingTaskGroup(returning: (any Error)?.self) { group in
      group.addTask { await outbox.run { feed.yield(.event($0)) } }
      defer { group.cancelAll() }
      var machine = start
      var reporter = ServiceReporter(manager, awaiting: [Self.broker, Self.past])
      setBeat(feed, &group)
      do {
        for effect in first { try perform(effect, feed, outbox, &group) }
        for await input in inputs {
          switch input {
          case .beatDue:
            reporter.beat()
            setBeat(feed, &group)
          case .connected:
            reporter.got(Self.broker)
            outbox.announce(report(isOnline: true))
            outbox.echo(journal.epoch)
          case .event(let event):
            if case .caughtUp = event { reporter.got(Self.past) }
            for effect in machine.handle(event, at: clock.now) { try perform(effect, feed, outbox, &group) }
          }
        }
        return nil
      } catch {
        logger.error("the journal cannot be written; the coordinator ends", metadata: [LogKey.cause: "\(error)"])
        return error
      }
    }
  }

  private static let broker = "the broker"
  private static let past = "what it had kept"

  /// The loop is asked for a sign of life in a while; it gives it in its turn.
  private func setBeat(_ feed: AsyncStream<CoordinatorInput>.Continuation, _ group: inout DiscardingTaskGroup) {
    guard let interval = manager.beatInterval else { return }
    group.addTask {
      // A cancelled timer belongs to a coordinator that is stopping.
      guard (try? await Task.sleep(for: interval)) != nil else { return }
      feed.yield(.beatDue)
    }
  }

  private func perform(
    _ effect: CoordinatorEffect, _ feed: AsyncStream<CoordinatorInput>.Continuation, _ outbox: CoordinatorOutbox,
    _ group: inout DiscardingTaskGroup
  ) throws {
    switch effect {
    case .save(let saved): try journal.save(saved)
    case .drop(let plan): try journal.drop(plan)
    case .publishNode(let report):
      try journal.save(report)
      outbox.send(effect)
    case .keepOrigins(let uuids, let host): try journal.keep(origins: uuids, host)
    case .forgetOrigins(let uuids): try journal.forget(origins: uuids)
    case .answer(let result, let arrival):
      let payload = result.encoded()
      journal.answer(arrival, with: payload, orTell: logger)
      outbox.deliver(payload, for: arrival)
    case .forget(let arrival): journal.settle(arrival, orTell: logger)
    case .readUp: outbox.echo(journal.epoch)
    case .note(let note):
      logger.write(note)
      if note.level != .debug { outbox.tell(CoordinatorNews(note, unixTime: clock.now.unixTime)) }
    case .setTimer(let timer, let pause):
      group.addTask {
        // A cancelled timer belongs to a coordinator that is stopping.
        guard (try? await Task.sleep(for: pause)) != nil else { return }
        feed.yield(.event(.timerFired(timer)))
      }
    default: outbox.send(effect)
    }
  }
}

/// What the coordinator's loop is fed with.
enum CoordinatorInput: Sendable {
  case connected
  case event(CoordinatorEvent)
  /// The service manager waits for a sign of life.
  case beatDue
}
