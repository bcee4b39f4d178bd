import ClusterModel
import DaemonKit
import Journal
import Logging
import MessageBus
import MigfraProtocol
import NodeWorkerCore

/// Everything that the worker says on the bus.
///
/// Answers and tasks for the coordinator are sent one after another until the broker has them. Of the host's reports
/// only the latest waits. Progress is sent if it can be.
final class WorkerOutbox: Sendable {
  private enum Letter: Sendable {
    case answer([UInt8], TaskArrival)
    case handOver(TaskMessage)
    case echo
    case end
  }

  private let host: HostName
  private let usualTopic: String
  private let dialect: ResultDialect
  private let bus: any MessageBus
  private let journal: TaskJournal
  private let logger: Logger
  private let pscom: PscomSettings
  private let letters = AsyncStream.makeStream(of: Letter.self)
  private let reports = AsyncStream.makeStream(of: HostReport.self, bufferingPolicy: .bufferingNewest(1))
  private let samples = AsyncStream.makeStream(of: MigrationProgress.self, bufferingPolicy: .bufferingNewest(64))

  /// Requests to the processes of jobs: nobody's answer waits behind them.
  private let requests = AsyncStream.makeStream(of: (PscomRequest, SuspendedJob).self)

  init(settings: Configuration, bus: any MessageBus, journal: TaskJournal, logger: Logger) {
    host = settings.host
    usualTopic = settings.resultTopic
    dialect = settings.dialect
    pscom = settings.pscom
    self.bus = bus
    self.journal = journal
    self.logger = logger
  }

  /// Writes the answer down, then sends it.
  func answer(_ result: TaskResult, for arrival: TaskArrival) {
    // Our own programs, which ask with response topics, read the seed's form.
    let payload = result.encoded(as: arrival.route.topic == usualTopic ? dialect : .seed)
    journal.answer(arrival, with: payload, orTell: logger)
    deliver(payload, for: arrival)
  }

  /// Sends an answer that is in the journal.
  func deliver(_ payload: [UInt8], for arrival: TaskArrival) {
    letters.continuation.yield(.answer(payload, arrival))
  }

  func forget(_ arrival: TaskArrival) {
    journal.settle(arrival, orTell: logger)
  }

  /// Asks the broker to send something back.
  func echo() {
    letters.continuation.yield(.echo)
  }

  func handOver(_ task: TaskMessage) {
    letters.continuation.yield(.handOver(task))
  }

  func ask(_ request: PscomRequest, of job: SuspendedJob) {
    requests.continuation.yield((request, job))
  }

  /// Returns from `run` when everything that was said before is delivered.
  func end() {
    letters.continuation.yield(.end)
  }

  func announce(_ report: HostReport) {
    reports.continuation.yield(report)
  }

  func publish(_ progress: MigrationProgress) {
    samples.continuation.yield(progress)
  }

  /// Sends until cancelled. `tell` hears what the core must know.
  func run(_ tell: @escaping @Sendable (WorkerEvent) -> Void) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        for await letter in self.letters.stream { await self.send(letter, tell) }
      }
      group.addTask {
        for await (request, job) in self.requests.stream { await self.send(request, to: job, tell) }
      }
      group.addTask {
        for await report in self.reports.stream {
          await self.bus.publish(
            BusMessage(topic: Topics.state(self.host), payload: report.encoded(), isRetained: true), orTell: self.logger
          )
        }
      }
      group.addTask {
        for await progress in self.samples.stream {
          // Lost progress is replaced by the next; without a connection there is nobody to watch.
          _ = try? await self.bus.publish(
            BusMessage(topic: Topics.progress(self.host), payload: progress.encoded(), quality: .atMostOnce))
        }
      }
    }
  }

  private func send(_ letter: Letter, _ tell: @Sendable (WorkerEvent) -> Void) async {
    switch letter {
    case .answer(let payload, let arrival):
      let message = BusMessage(
        topic: arrival.route.topic, payload: payload, correlationData: arrival.route.correlationData)
      if await bus.publish(answer: message, orOn: usualTopic, orTell: logger) != nil {
        journal.settle(arrival, orTell: logger)
      }
    case .handOver(let task):
      let message = BusMessage(
        topic: Topics.coordinatorTask, payload: task.encoded(), responseTopic: Topics.reply(to: host))
      if await bus.publish(message, orTell: logger) == .noSubscriber, let id = task.id {
        tell(.handOverUndeliverable(id))
      }
    case .echo:
      await bus.publish(BusMessage(topic: Topics.echo(host), payload: Array("\(journal.epoch)".utf8)), orTell: logger)
    case .end: tell(.everythingSaid)
    }
  }

  /// One message for each process, or one for all; side by side, since they must not wait for each other.
  private func send(_ request: PscomRequest, to job: SuspendedJob, _ tell: @Sendable (WorkerEvent) -> Void) async {
    let topics = pscom.topics
    let names: [String] =
      switch job.audience {
      case .processes(let names): names.sorted()
      case .everyProcess: [PscomTopics.everyProcess]
      }
    // A request to go on must arrive; a request to stop that arrives when nobody waits for it any more must not.
    let configured = BusMessage.Quality(rawValue: pscom.quality) ?? .atLeastOnce
    let isSuspend = request == .suspend
    await withDiscardingTaskGroup { group in
      for name in names {
        group.addTask {
          await self.bus.publish(
            BusMessage(
              topic: topics.request(job.vm, name), payload: request.encoded(as: self.pscom.form),
              quality: isSuspend || configured != .atMostOnce ? configured : .atLeastOnce,
              expiry: isSuspend ? self.pscom.timeout : nil), orTell: self.logger)
        }
      }
    }
    tell(.processesAsked(job.vm, request))
  }
}
