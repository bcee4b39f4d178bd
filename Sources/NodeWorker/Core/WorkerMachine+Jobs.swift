import ClusterModel
import MigfraProtocol

/// The connections of jobs around migrations: closed by all processes or by none, and opened again on every path.
extension WorkerMachine {
  /// A job that the last incarnation had asked to close its connections.
  public mutating func recall(_ job: SuspendedJob) {
    jobs[job.vm] = JobInProgress(
      session: PscomSession(.suspend, job), phase: job.isClosed ? .closed : .closing, since: .zero)
  }

  /// A job that is closed, or was being closed when the last incarnation ended, gets its operation.
  mutating func take(
    _ job: JobInProgress, of vm: VMName, for id: OperationID, at now: Moment
  ) -> [WorkerEffect] {
    switch job.phase {
    case .closed: return jobIsClosed(for: id, at: now)
    // Nobody knows who had been asked: all go on, and the operation begins anew.
    case .closing: return open(vm, then: .begin(id), at: now)
    case .opening:
      jobs[vm]?.phase = .opening(then: .begin(id))
      operations[id]?.stage = .opening
      return []
    }
  }

  mutating func learnedProcesses(at now: Moment) -> [WorkerEffect] {
    areProcessesKnown = true
    return operations.keys.filter { operations[$0]?.stage == .learning }.sorted().flatMap { attempt($0, at: now) }
  }

  /// Asks the processes of the operation's machine to close their connections.
  mutating func close(_ id: OperationID, at now: Moment) -> [WorkerEffect] {
    guard let operation = operations[id]?.operation, let (vm, hook) = operation.closing else { return [] }
    guard let audience = announced.audience(of: vm, hook, areAddressable: configuration.areProcessesAddressable) else {
      return jobIsClosed(for: id, at: now)
    }
    let job = SuspendedJob(vm: vm, audience: audience)
    jobs[vm] = JobInProgress(session: PscomSession(.suspend, job), phase: .closing, since: now.uptime)
    operations[id]?.stage = .closing
    let progress = operation.hookedOrder.map { order, _ in
      MigrationProgress(vm: vm, task: order.task, destination: order.destination, phase: .suspendingJob)
    }
    return (progress.map { [.publishProgress($0)] } ?? []) + [.rememberJob(job)]
  }

  /// No process is disturbed before it is on disk that it will have to be told to go on.
  mutating func jobRemembered(_ job: SuspendedJob, _ flaw: String?, at now: Moment) -> [WorkerEffect] {
    // That all have closed their connections need not be on disk: without it they are opened, and closed again.
    guard !job.isClosed, jobs[job.vm]?.phase == .closing, let id = closer(of: job.vm) else { return [] }
    if let flaw {
      jobs[job.vm] = nil
      let details = "the journal of \(configuration.host) cannot be written (\(flaw)): the job was not disturbed"
      return end(id, .failure(.internal, details, mayPass: false), at: now)
    }
    return [
      .askProcesses(.suspend, job),
      .setTimer(.processPatience(job.vm, generation: 0), after: configuration.processPatience),
    ]
  }

  /// The operation for which the machine's job is being closed; nil: the last incarnation has left it.
  private func closer(of vm: VMName) -> OperationID? {
    operations.first { $0.value.stage == .closing && $0.value.operation.vm == vm }?.key
  }

  mutating func processAnswered(
    _ vm: VMName, _ process: String, _ answer: PscomAnswer, at now: Moment
  ) -> [WorkerEffect] {
    jobs[vm]?.session.take(answer, from: process)
    return goOn(with: vm, at: now)
  }

  mutating func processReported(
    _ vm: VMName, _ process: String, _ report: PscomProcessReport?, at now: Moment
  ) -> [WorkerEffect] {
    announced.note(process, of: vm, report)
    guard report == nil else { return [] }
    jobs[vm]?.session.leave(process)
    return goOn(with: vm, at: now)
  }

  /// Looks whether the machine's job can go on with what is known now.
  private mutating func goOn(with vm: VMName, at now: Moment) -> [WorkerEffect] {
    guard let job = jobs[vm] else { return [] }
    switch job.phase {
    case .closed: return []
    case .closing:
      guard let id = closer(of: vm) else { return [] }
      if let refusal = job.session.refusal {
        return open(vm, then: .finish(id, .failure(.pscom, Self.notClosed(vm, refusal), mayPass: false)), at: now)
      }
      guard job.session.isComplete else { return [] }
      let time = TimeMeasurement("pscom-suspend-\(vm)", seconds: (now.uptime - job.since).inSeconds)
      operations[id]?.times.append(time)
      jobs[vm]?.phase = .closed
      if case .hold? = operations[id]?.operation { return jobIsClosed(for: id, at: now) }
      var closed = job.session.job
      closed.isClosed = true
      return [.rememberJob(closed)] + perform(id)
    case .opening:
      guard case .processes = job.session.job.audience, job.session.isComplete else { return [] }
      return opened(vm, at: now)
    }
  }

  private static func notClosed(_ vm: VMName, _ cause: String) -> String {
    "the job of \(vm) did not close its connections: \(cause); it was told to go on, and nothing was moved"
  }

  /// Tells the processes to go on.
  mutating func open(_ vm: VMName, then: JobInProgress.AfterOpening, at now: Moment) -> [WorkerEffect] {
    guard var job = jobs[vm] else { return [] }
    switch then {
    case .begin(let id), .finish(let id, _): operations[id]?.stage = .opening
    case .nothing: break
    }
    if case .opening = job.phase {
      jobs[vm]?.phase = .opening(then: then)
      return []
    }
    // The next incarnation must not take for closed what was told to open.
    var opening = job.session.job
    opening.isClosed = false
    opening.lease = nil
    let remembering: [WorkerEffect] = job.phase == .closed ? [.rememberJob(opening)] : []
    job.phase = .opening(then: then)
    job.session = PscomSession(.resume, opening)
    job.since = now.uptime
    job.generation += 1
    jobs[vm] = job
    return remembering + [.askProcesses(.resume, opening)]
  }

  /// The broker has the requests; until then nothing is given up, however long the broker is away.
  mutating func processesAsked(_ vm: VMName, _ request: PscomRequest, at now: Moment) -> [WorkerEffect] {
    guard request == .resume, let job = jobs[vm], case .opening = job.phase else { return [] }
    // Processes that nobody knows by name need not answer.
    guard case .processes = job.session.job.audience, !job.session.isComplete else { return opened(vm, at: now) }
    return [
      .setTimer(.processPatience(vm, generation: job.generation), after: configuration.processPatience)
    ]
  }

  mutating func processPatienceEnded(_ vm: VMName, generation: Int, at now: Moment) -> [WorkerEffect] {
    guard var job = jobs[vm], job.generation == generation else { return [] }
    switch job.phase {
    case .closed: return []
    case .closing:
      guard let id = closer(of: vm) else { return [] }
      let cause = "\(job.session.silence) within \(SizeText.seconds(configuration.processPatience.inSeconds))"
      return open(vm, then: .finish(id, .failure(.pscom, Self.notClosed(vm, cause), mayPass: false)), at: now)
    case .opening(let then):
      guard job.isRepeated else {
        // Agents know what they have done: the second request harms nobody who has heard the first.
        job.isRepeated = true
        job.generation += 1
        jobs[vm] = job
        return [.askProcesses(.resume, job.session.job)]
      }
      let silence = "\(job.session.silence) when told to open their connections again"
      if case .finish(let id, _) = then { operations[id]?.remarks.append(silence) }
      return [
        .note(
          Note(.warning, "processes of a job did not confirm that they go on", ["vm": vm.rawValue, "cause": silence]))
      ]
        + opened(vm, at: now)
    }
  }

  private mutating func opened(_ vm: VMName, at now: Moment) -> [WorkerEffect] {
    guard let job = jobs.removeValue(forKey: vm), case .opening(let then) = job.phase else { return [] }
    let time = TimeMeasurement("pscom-resume-\(vm)", seconds: (now.uptime - job.since).inSeconds)
    switch then {
    case .nothing: return [.forgetJob(vm)]
    case .begin(let id): return [.forgetJob(vm)] + attempt(id, at: now)
    case .finish(let id, let outcome):
      operations[id]?.times.append(time)
      return [.forgetJob(vm)] + conclude(id, outcome, at: now)
    }
  }

  /// Jobs of the last incarnation that no task will open.
  mutating func openAbandonedJobs(at now: Moment) -> [WorkerEffect] {
    // A hold that was asked for begins anew.
    let wanted = Set(operations.values.compactMap { $0.operation.hookedOrder?.order.vm })
    let abandoned = jobs.filter { vm, job in
      if case .opening = job.phase { return false }
      return !wanted.contains(vm) && !job.isHeld
    }.keys.sorted()
    return goOnHolding()
      + abandoned.flatMap { vm in
        [
          WorkerEffect.note(
            Note(.warning, "a job was left with closed connections and is told to go on", ["vm": vm.rawValue]))
        ]
          + open(vm, then: .nothing, at: now)
      }
  }
}
