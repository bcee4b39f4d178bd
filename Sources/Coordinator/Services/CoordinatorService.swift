import ClusterModel
import CoordinatorCore
public import DaemonKit
public import Logging
public import MessageBus
import MigfraProtocol
public import ServiceLifecycle

/// The coordinator's shell: feeds its core with what happens and does what the core wants.
public struct CoordinatorService: Service {
  private let settings: Configuration
  private let bus: any MessageBus
  private let epoch: UInt64
  private let logger: Logger
  private let clock = SystemClock()

  public init(settings: Configuration, bus: any MessageBus, epoch: UInt64, logger: Logger) {
    self.settings = settings
    self.bus = bus
    self.epoch = epoch
    self.logger = logger
  }

  /// What the coordinator wants of the broker; the will says that it is gone.
  public static func session(for settings: Configuration, epoch: UInt64) -> BusSession {
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
        payload: CoordinatorReport(isOnline: false, epoch: epoch, version: Version.current).encoded(), isRetained: true),
      keepAlive: settings.broker.keepAlive)
  }

  public func run() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: CoordinatorInput.self)
    let inbox = CoordinatorInbox(epoch: epoch, logger: logger, feed: feed)
    try bus.start(inbox.receive)
    let outbox = CoordinatorOutbox(bus: bus, logger: logger)
    await cancelWhenGracefulShutdown { await work(on: inputs, feed, outbox) }
    logger.info("stopping")
    await bus.close(
      farewell: BusMessage(
        topic: Topics.coordinatorState,
        payload: CoordinatorReport(isOnline: false, epoch: epoch, version: Version.current).encoded(), isRetained: true)
    )
    if inbox.wasTakenOver {
      throw TakenOver(clientID: Self.session(for: settings, epoch: epoch).clientID)
    }
  }

  private func work(
    on inputs: AsyncStream<CoordinatorInput>, _ feed: AsyncStream<CoordinatorInput>.Continuation,
    _ outbox: CoordinatorOutbox
  ) async {
    var machine = CoordinatorMachine(
      CoordinatorMachine.Configuration(
        epoch: epoch, outgoingMigrations: settings.limits.outgoingMigrations ?? 2,
        incomingMigrations: settings.limits.incomingMigrations, mode: settings.defaults.mode,
        migrationType: settings.defaults.migrationType, overbooking: settings.defaults.overbooking,
        retries: settings.defaults.retries))
    await withDiscardingTaskGroup { group in
      group.addTask { await outbox.run { feed.yield(.event($0)) } }
      for await input in inputs {
        switch input {
        case .connected:
          outbox.announce(CoordinatorReport(isOnline: true, epoch: epoch, version: Version.current))
          outbox.echo(epoch)
        case .event(let event):
          for effect in machine.handle(event, at: clock.now) { perform(effect, feed, outbox, &group) }
        }
      }
      group.cancelAll()
    }
  }

  private func perform(
    _ effect: CoordinatorEffect, _ feed: AsyncStream<CoordinatorInput>.Continuation, _ outbox: CoordinatorOutbox,
    _ group: inout DiscardingTaskGroup
  ) {
    switch effect {
    case .note(let note): logger.write(note)
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
}
