import ClusterModel
public import DaemonKit
public import Journal
public import Logging
public import MessageBus
import MigfraProtocol
import NodeWorkerCore
public import ServiceLifecycle

/// The worker's shell: feeds its core with what happens and does what the core wants.
///
/// One loop owns the core. Operations and timers run beside it as child tasks, and tell it when they are done.
public struct WorkerService: Service {
  private let settings: Configuration
  private let bus: any MessageBus
  private let hypervisor: any Hypervisor
  private let journal: TaskJournal
  private let cluster: ClusterReports
  private let logger: Logger
  private let manager: ServiceManager
  private let executor: (any TaskExecutor)?
  private let clock = SystemClock()

  public init(
    settings: Configuration, bus: any MessageBus, hypervisor: any Hypervisor, journal: TaskJournal,
    cluster: ClusterReports, logger: Logger, manager: ServiceManager, executor: (any TaskExecutor)? = nil
  ) {
    self.settings = settings
    self.bus = bus
    self.hypervisor = hypervisor
    self.journal = journal
    self.cluster = cluster
    self.manager = manager
    self.executor = executor
    var logger = logger
    logger[metadataKey: LogKey.host] = .string(settings.host.rawValue)
    self.logger = logger
  }

  /// What the worker wants of the broker; the will says that it is gone.
  public static func session(for settings: Configuration, epoch: UInt64) -> BusSession {
    let will = HostReport(host: settings.host, presence: .offline, epoch: epoch, version: Version.current)
    return BusSession(
      clientID: settings.broker.clientID ?? "migfra-worker-\(settings.host)",
      subscriptions: [
        TopicFilter(settings.broker.taskTopic ?? Topics.task(settings.host)),
        TopicFilter(Topics.reply(to: settings.host)), TopicFilter(Topics.coordinatorState),
        TopicFilter(settings.pscom.topics.anyResponse), TopicFilter(PscomTopics.anyProcessState),
        TopicFilter(Topics.echo(settings.host)),
      ],
      will: BusMessage(topic: Topics.state(settings.host), payload: will.encoded(), isRetained: true),
      willDelay: .seconds(5), keepAlive: settings.broker.keepAlive)
  }

  public func run() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: WorkerInput.self)
    var machine = WorkerMachine(configuration)
    let outbox = WorkerOutbox(settings: settings, bus: bus, journal: journal, logger: logger)
    try recall(into: &machine, feed, outbox)
    let inbox = WorkerInbox(settings: settings, journal: journal, logger: logger, feed: feed)
    let listener = BusListener(
      logger: logger, connected: { feed.yield(.event(.busConnected)) }, message: inbox.receive, end: { feed.finish() })
    try bus.start(listener.receive)
    machine = await cancelWhenGracefulShutdown { [machine] in
      await work(on: inputs, feed, outbox, machine)
    }
    logger.info("stopping", metadata: ["operations": "\(machine.runningOperations)"])
    manager.tell(
      ServiceNotice(.stopping, status: "stopping; \(machine.runningOperations) operations are left to libvirt"))
    await bus.close(
      farewell: BusMessage(topic: Topics.state(settings.host), payload: machine.farewell.encoded(), isRetained: true))
    try journal.close()
    if listener.wasTakenOver { throw TakenOver(clientID: Self.session(for: settings, epoch: 0).clientID) }
  }

  private var configuration: WorkerMachine.Configuration {
    WorkerMachine.Configuration(
      host: settings.host, epoch: journal.epoch, journal: journal.name, version: Version.current,
      driver: settings.hypervisor.driver, parallelStarts: settings.limits.parallelStarts,
      outgoingMigrations: settings.limits.outgoingMigrations ?? 4, migrationType: settings.defaults.migrationType,
      retries: settings.defaults.retries, processPatience: settings.pscom.timeout,
      areProcessesAddressable: settings.pscom.topics.areAddressable, mayQuit: settings.mayQuit)
  }

  /// Takes up what the last incarnation left: answers that were not delivered, tasks that were not answered.
  private func recall(
    into machine: inout WorkerMachine, _ feed: AsyncStream<WorkerInput>.Continuation, _ outbox: WorkerOutbox
  ) throws {
    for job in try journal.jobs() { machine.recall(job) }
    if let epoch = try journal.newestCoordinator() { machine.recall(coordinator: epoch) }
    let recalled = try journal.recall()
    for known in recalled.answers { machine.recall(known.task, answeredWith: known.result) }
    for record in recalled.open {
      if let answer = record.answer {
        outbox.deliver(answer, for: record.arrival)
      } else {
        feed.yield(.task(record.payload, record.arrival))
      }
    }
    feed.yield(.event(.recallEnded))
    if !recalled.open.isEmpty {
      logger.notice("taking up tasks of the last run", metadata: ["tasks": "\(recalled.open.count)"])
    }
  }

  /// The loop; ends when the input ends or the task is cancelled. Returns the core as it then is.
  private func work(
    on inputs: AsyncStream<WorkerInput>, _ feed: AsyncStream<WorkerInput>.Continuation, _ outbox: WorkerOutbox,
    _ start: WorkerMachine
  ) async -> WorkerMachine {
    await withDiscardingTaskGroup { group in
      group.addTask {
        await hypervisor.run { change in
          switch change {
          case .inventory(let inventory): feed.yield(.event(.inventoryTaken(inventory)))
          case .lost(let cause): feed.yield(.event(.hypervisorLost(cause)))
          }
        }
      }
      group.addTask { await outbox.run { feed.yield(.event($0)) } }
      var machine = start
      var reporter = ServiceReporter(manager, awaiting: [Self.broker, Self.inventory])
      setBeat(feed, &group)
      var controls: [OperationID: OperationControl] = [:]
      for await input in inputs {
        if case .event(.operationFinished(let id, _)) = input { controls[id] = nil }
        report(input, to: &reporter)
        if case .beatDue = input { setBeat(feed, &group) }
        guard let event = event(for: input) else { continue }
        for effect in machine.handle(event, at: clock.now) {
          perform(effect, feed, outbox, &controls, &group)
        }
      }
      group.cancelAll()
      return machine
    }
  }

  private static let broker = "the broker"
  private static let inventory = "the hypervisor"

  /// What the service manager wants to know of it.
  private func report(_ input: WorkerInput, to reporter: inout ServiceReporter) {
    switch input {
    case .event(.busConnected): reporter.got(Self.broker)
    case .event(.inventoryTaken):
      reporter.set(trouble: nil)
      reporter.got(Self.inventory)
    case .event(.hypervisorLost(let cause)): reporter.set(trouble: "the hypervisor cannot be reached: \(cause)")
    case .beatDue: reporter.beat()
    case .event, .task: break
    }
  }

  /// The loop is asked for a sign of life in a while; it gives it in its turn.
  private func setBeat(_ feed: AsyncStream<WorkerInput>.Continuation, _ group: inout DiscardingTaskGroup) {
    guard let interval = manager.beatInterval else { return }
    group.addTask {
      // A cancelled timer belongs to a worker that is stopping.
      guard (try? await Task.sleep(for: interval)) != nil else { return }
      feed.yield(.beatDue)
    }
  }

  /// What the core hears of; nil: nothing.
  private func event(for input: WorkerInput) -> WorkerEvent? {
    switch input {
    case .beatDue: return nil
    case .event(let event): return event
    case .task(let payload, let arrival):
      do throws(UnreadableTask) {
        return .taskReceived(try TaskMessage.decode(payload), arrival)
      } catch {
        return .taskUnreadable(error, arrival)
      }
    }
  }

  private func perform(
    _ effect: WorkerEffect, _ feed: AsyncStream<WorkerInput>.Continuation, _ outbox: WorkerOutbox,
    _ controls: inout [OperationID: OperationControl], _ group: inout DiscardingTaskGroup
  ) {
    switch effect {
    case .perform(let id, let operation):
      // Its name only: what a machine is made of may have passwords in it.
      logger.debug("operation begins", metadata: ["operation": "\("\(operation)".prefix { $0 != "(" })"])
      // Not a child: a worker that is stopped waits for no migration. libvirtd finishes it, and the next incarnation
      // finds the task unanswered and asks where the machine is.
      let control = OperationControl()
      controls[id] = control
      let runner = OperationRunner(host: settings.host, hypervisor: hypervisor, cluster: cluster)
      Task.immediate(executorPreference: executor) {
        let outcome = await runner.perform(operation, control) { progress in
          feed.yield(.event(.migrationProgressed(id, progress)))
        }
        feed.yield(.event(.operationFinished(id, outcome)))
      }
    case .abort(let id): controls[id]?.cancel()
    case .rememberJob(let job):
      do {
        try journal.remember(job)
        feed.yield(.event(.jobRemembered(job, flaw: nil)))
      } catch {
        feed.yield(.event(.jobRemembered(job, flaw: "\(error)")))
      }
    case .forgetJob(let vm):
      do {
        try journal.forget(jobOf: vm)
      } catch {
        // The next start tells the job to go on once more, which harms nobody.
        logger.error("the journal could not be written", metadata: [LogKey.vm: "\(vm)", LogKey.cause: "\(error)"])
      }
    case .rememberCoordinator(let epoch):
      do {
        try journal.remember(coordinator: epoch)
      } catch {
        // After a restart the broker tells of it again.
        logger.error("the journal could not be written", metadata: [LogKey.cause: "\(error)"])
      }
    case .askProcesses(let request, let job):
      logger.info("asking a job", metadata: ["request": "\(request.rawValue)", LogKey.vm: "\(job.vm)"])
      outbox.ask(request, of: job)
    case .answer(let result, let arrival):
      log(result)
      outbox.answer(result, for: arrival)
    case .forget(let arrival): outbox.forget(arrival)
    case .announce(let report): outbox.announce(report)
    case .echo: outbox.echo()
    case .publishProgress(let progress): outbox.publish(progress)
    case .handOver(let task):
      logger.info("handing over to the coordinator", metadata: ["task": "\(task.kind.rawValue)"])
      outbox.handOver(task)
    case .setTimer(let timer, let pause):
      group.addTask {
        // A cancelled timer belongs to a worker that is stopping.
        guard (try? await Task.sleep(for: pause)) != nil else { return }
        feed.yield(.event(.timerFired(timer)))
      }
    case .note(let note): logger.write(note)
    case .finishSaying: outbox.end()
    case .stop:
      logger.notice("ending, as a task has asked for")
      feed.finish()
    }
  }

  private func log(_ result: TaskResult) {
    let failures = result.entries.filter { !$0.isSuccess }
    var metadata: Logger.Metadata = ["vms": "\(result.entries.map(\.vm.rawValue).joined(separator: " "))"]
    if let id = result.id { metadata[LogKey.task] = "\(id)" }
    if let cause = failures.first?.details ?? (result.status == .error ? result.details : nil) {
      metadata[LogKey.cause] = "\(cause)"
    }
    let level: Logger.Level = failures.isEmpty && result.status != .error ? .info : .warning
    metadata["result"] = "\(result.title.rawValue)"
    logger.log(level: level, "answered", metadata: metadata)
  }
}

/// What the worker's loop is fed with.
enum WorkerInput: Sendable {
  case event(WorkerEvent)
  case task([UInt8], TaskArrival)
  /// The service manager waits for a sign of life.
  case beatDue
}
