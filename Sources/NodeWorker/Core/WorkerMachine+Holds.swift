import ClusterModel
import MigfraProtocol

/// Jobs whose connections stay closed from task to task, so that machines of one job can move as one: closed once before
/// the first moves, opened once after the last has.
///
/// Who holds a job has to renew that. A hold that nobody renews ends by itself when its lease is over and nothing is
/// under way with the machine, so that no job is left suspended by somebody who has died. A worker that was killed goes
/// on holding for one more lease: to open at once would open the connections of a machine that libvirt still moves.
extension WorkerMachine {
  /// Closes the connections, or begins the lease of those that are held already anew.
  mutating func hold(_ hold: JobHold, _ id: OperationID, at now: Moment) -> [WorkerEffect] {
    let job = jobs[hold.vm]
    // What is held may be the job of a machine that has moved away since.
    if job?.session.job.lease == nil, let (code, details) = obstacle(toHolding: hold.vm) {
      return conclude(id, .failure(code, details, mayPass: false), at: now)
    }
    if let job { return take(job, of: hold.vm, for: id, at: now) }
    guard areProcessesKnown else {
      operations[id]?.stage = .learning
      return []
    }
    return close(id, at: now)
  }

  private func obstacle(toHolding vm: VMName) -> (ErrorCode, String)? {
    guard let active = activeVMs else {
      return (.hypervisorLost, "the hypervisor of \(configuration.host) cannot be reached")
    }
    return active.contains(vm) ? nil : (.notFound, "'\(vm)' does not run on \(configuration.host)")
  }

  /// Opens what is held; a success if nothing is.
  mutating func release(_ release: JobRelease, _ id: OperationID, at now: Moment) -> [WorkerEffect] {
    let (vm, success) = (release.vm, OperationOutcome.success(vm: release.vm))
    if let job = jobs[vm] {
      // Of a machine that is saved: opened when it runs again.
      if job.phase == .closed, !job.isHeld { return conclude(id, success, at: now) }
      return open(vm, then: .finish(id, success), at: now)
    }
    guard let processes = release.processes, activeVMs?.contains(vm) == true else {
      return conclude(id, success, at: now)
    }
    guard areProcessesKnown else {
      operations[id]?.stage = .learning
      return []
    }
    guard
      let audience = announced.audience(of: vm, processes, areAddressable: configuration.areProcessesAddressable)
    else { return conclude(id, success, at: now) }
    let job = SuspendedJob(vm: vm, audience: audience)
    jobs[vm] = JobInProgress(
      session: PscomSession(.resume, job), phase: .opening(then: .finish(id, success)), since: now.uptime)
    operations[id]?.stage = .opening
    return [.askProcesses(.resume, job)]
  }

  /// The connections are closed, or there are none: what has waited for that goes on.
  mutating func jobIsClosed(for id: OperationID, at now: Moment) -> [WorkerEffect] {
    guard case .hold(let hold)? = operations[id]?.operation else { return perform(id) }
    let success = OperationOutcome.success(vm: hold.vm)
    guard var job = jobs[hold.vm] else { return conclude(id, success, at: now) }
    let known = job.session.job.lease
    job.session.hold(for: hold.lease)
    job.leaseNumber = id.number
    jobs[hold.vm] = job
    // Without it on disk the next incarnation opens them, which harms nobody.
    let remembering: [WorkerEffect] = known == hold.lease ? [] : [.rememberJob(job.session.job)]
    return remembering + [lease(of: job)] + conclude(id, success, at: now)
  }

  private func lease(of job: JobInProgress) -> WorkerEffect {
    .setTimer(
      .lease(job.session.job.vm, generation: job.leaseNumber), after: .seconds(job.session.job.lease ?? 0))
  }

  mutating func leaseEnded(_ vm: VMName, generation: Int, at now: Moment) -> [WorkerEffect] {
    guard let job = jobs[vm], job.isHeld, job.leaseNumber == generation else { return [] }
    // Whoever has it moved will release it, or is given the time of one more lease for that.
    if operations.values.contains(where: { $0.operation.vm == vm }) { return [lease(of: job)] }
    let metadata = ["vm": vm.rawValue, "cause": "its hold was not renewed"]
    return [.note(Note(.warning, "a job was left with closed connections and is told to go on", metadata))]
      + open(vm, then: .nothing, at: now)
  }

  /// What the last incarnation held.
  mutating func goOnHolding() -> [WorkerEffect] {
    jobs.values.filter(\.isHeld).sorted { $0.session.job.vm < $1.session.job.vm }.flatMap { job in
      [
        .note(
          Note(
            .warning, "a job goes on being held",
            ["vm": job.session.job.vm.rawValue, "lease": "\(job.session.job.lease ?? 0) s"])),
        lease(of: job),
      ]
    }
  }
}
