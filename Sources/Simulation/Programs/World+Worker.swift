import ClusterModel
import CoordinatorCore
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// The shell of a worker, as `WorkerService` is one.
extension World {
  func configuration(of host: HostName, life: Int) -> WorkerMachine.Configuration {
    WorkerMachine.Configuration(
      host: host, epoch: Epoch(life), journal: "j-\(host)", version: "1", outgoingMigrations: 3, retries: 2,
      processPatience: .seconds(10))
  }

  mutating func beginWorker(_ host: HostName) {
    guard var program = workers[host] else { return }
    note("worker \(host) begins")
    program.life += 1
    program.begin(WorkerMachine(configuration(of: host, life: program.life)), at: now)
    if sabotage == .forgetsJobs { program.journal.jobs = [:] }
    if sabotage == .forgetsAnswers { program.journal.forgetAnswers() }
    program.core.recall(coordinator: program.journal.newestCoordinator)
    for job in program.journal.jobs.values.sorted(by: { $0.vm < $1.vm }) { program.core.recall(job) }
    let recalled = program.journal.recalled
    for record in recalled.finished + recalled.open {
      if let answer = record.answer { program.core.recall(record.task, answeredWith: answer) }
    }
    workers[host] = program
    for record in recalled.open {
      if let answer = record.answer {
        write(.answer(answer, record.arrival), by: .worker(host))
      } else {
        feed(.worker(host), .worker(.taskReceived(record.task, record.arrival)))
      }
    }
    feed(.worker(host), .worker(.recallEnded))
    events.add(.look(host), at: soon(20...400))
  }

  /// A message reaches the worker's callback: a task is on disk when it returns.
  mutating func receive(_ message: Message, worker host: HostName) {
    let client = Client.worker(host)
    guard isUp(client) else { return }
    switch message.content {
    case .task(let task, _, let route):
      if let id = task.id { truth.received[id, default: 0] += 1 }
      guard workers[host]?.hasFullDisk == false else {
        if let id = task.id { truth.unwritten.insert(id) }
        let arrival = TaskArrival(sequence: 0, route: route)
        return feed(client, .worker(.taskUnwritten(task, arrival, cause: "the disk is full")))
      }
      noteOrder(task, host)
      var task = task
      if sabotage == .forgetsEpochs { task.epoch = nil }
      if sabotage == .shortensLeases, case .hold(var hold) = task.body {
        hold.lease = 1
        task.body = .hold(hold)
      }
      guard let arrival = workers[host]?.journal.receive(task, route) else { return }
      feed(client, .worker(.taskReceived(task, arrival)))
    case .coordinatorState(let report): feed(client, .worker(.coordinatorReported(report)))
    case .reply(let result, _): feed(client, .worker(.coordinatorAnswered(result)))
    case .echo(_, let life): if life == workers[host]?.life { feed(client, .worker(.caughtUp)) }
    case .response(let answer, let vm, let process):
      feed(client, .worker(.processAnswered(vm, process: process, answer)))
    case .processState(let report, let vm, let process):
      feed(client, .worker(.processReported(vm, process: process, report)))
    default: break
    }
  }

  mutating func handle(_ event: WorkerEvent, on host: HostName) {
    let moment = workers[host]?.moment(now) ?? coordinator.moment(now)
    let effects = workers[host]?.core.handle(event, at: moment) ?? []
    for effect in effects {
      guard survives(.worker(host)) else { return }
      perform(effect, on: host)
    }
  }

  private mutating func perform(_ effect: WorkerEffect, on host: HostName) {
    let client = Client.worker(host)
    switch effect {
    case .perform(let id, let operation):
      checkAuthority(of: operation, on: host)
      start(id, operation, on: host)
    case .abort(let id): abort(id, on: host)
    case .rememberJob(let job):
      if workers[host]?.hasFullDisk == true {
        return feed(client, .worker(.jobRemembered(job, flaw: "the disk is full")))
      }
      workers[host]?.journal.jobs[job.vm] = job
      feed(client, .worker(.jobRemembered(job, flaw: nil)))
    case .rememberCoordinator(let epoch):
      workers[host]?.journal.newestCoordinator = epoch
    case .forgetJob(let vm): workers[host]?.journal.jobs[vm] = nil
    case .askProcesses(let request, let job):
      note("\(host) asks \(job.vm) to \(request.rawValue)")
      if workers.contains(where: { $0.key != host && $0.value.journal.jobs[job.vm] != nil }) {
        truth.contended.insert(job.vm)
      }
      if sabotage == .answersForProcesses, request == .suspend { return answerForProcesses(of: job, host) }
      write(.requests(request, job), by: client, in: .requests)
    case .answer(let result, let arrival):
      note("\(host) answers \(result.id ?? "-") \(Self.text(result))")
      workers[host]?.journal.answer(arrival, result)
      write(.answer(result, arrival), by: client)
    case .forget(let arrival): workers[host]?.journal.settle(arrival)
    case .announce(let report): write(.say(.hostState(report)), by: client, in: .reports)
    case .echo: write(.say(.echo(client, life: life(of: client))), by: client)
    case .publishProgress(let progress):
      if bus.sessions[client]?.isConnected == true { publish(.progress(progress, host)) }
    case .handOver(let task): write(.handOver(task), by: client)
    case .setTimer(let timer, let pause):
      events.add(.input(client, life: life(of: client), .worker(.timerFired(timer))), at: now + pause)
    case .note, .finishSaying, .stop: break
    }
  }

  private mutating func answerForProcesses(of job: SuspendedJob, _ host: HostName) {
    guard case .processes(let names) = job.audience else { return }
    for name in names.sorted() {
      feed(.worker(host), .worker(.processAnswered(job.vm, process: name, PscomAnswer(.suspend))))
    }
  }

  /// Says a letter.
  mutating func deliver(_ letter: Letter, of client: Client) {
    switch letter {
    case .say(let content): publish(content)
    case .answer(let result, let arrival): send(result, along: arrival.route, by: client)
    case .order(let task, let host):
      let route = ReplyRoute(topic: Topics.coordinatorReply(from: host))
      if !publish(.task(task, host, route)), let id = task.id {
        feed(client, .coordinator(.taskUndeliverable(id, to: host)))
      }
    case .handOver(let task):
      guard case .worker(let host) = client else { return }
      if !publish(.coordinatorTask(task, ReplyRoute(topic: Topics.reply(to: host)))), let id = task.id {
        feed(client, .worker(.handOverUndeliverable(id)))
      }
    case .requests(let request, let job):
      let deadline: Duration? = request == .suspend ? now + .seconds(10) : nil
      let names: [String] =
        switch job.audience {
        case .processes(let names): names.sorted()
        case .everyProcess: [PscomTopics.everyProcess]
        }
      for name in names { publish(.request(request, job.vm, process: name, deadline: deadline)) }
    }
  }

  /// The broker has taken a letter.
  mutating func settle(_ letter: Letter, of client: Client) {
    switch (letter, client) {
    case (.answer(_, let arrival), .coordinator): coordinator.journal.settle(arrival)
    case (.answer(_, let arrival), .worker(let host)): workers[host]?.journal.settle(arrival)
    case (.requests(let request, let job), .worker): feed(client, .worker(.processesAsked(job.vm, request)))
    default: break
    }
  }

  private mutating func send(_ result: TaskResult, along route: ReplyRoute, by client: Client) {
    let level = Topics.lastLevel(of: route.topic)
    if route.topic.hasPrefix("fast/coordinator/reply/") {
      publish(.orderAnswer(result, HostName(rawValue: level)))
    } else if route.topic.hasSuffix("/reply"), let host = Topics.host(of: route.topic) {
      publish(.reply(result, host))
    } else {
      publish(.result(result, topic: route.topic))
    }
  }

  static func text(_ result: TaskResult) -> String {
    let entries = result.entries.map { "\($0.vm) \($0.code?.rawValue ?? "ok") \($0.details ?? "")" }
    let parts = [result.status?.rawValue, result.details].compactMap { $0 } + entries
    return "\(result.title.rawValue): " + parts.joined(separator: "; ")
  }
}
