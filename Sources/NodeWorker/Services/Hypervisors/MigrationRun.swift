import BlockingPool
import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// One long job of libvirt that moves a machine, with what watches it beside it.
struct MigrationRun {
  /// Why it did not end well. Where the machine is, only both ends can tell.
  struct Failure: Error {
    var code: ErrorCode = .hypervisor
    /// libvirt's own words, or ours when it was given up.
    var message: String
    var mayPass: Bool
  }

  let reference: DomainReference
  let order: MigrationOrder
  let phase: MigrationProgress.Phase
  let monitor: MigrationMonitor
  let control: OperationControl
  let began: ContinuousClock.Instant
  /// Answers questions while the job runs on a connection of its own.
  let connection: LibvirtConnection
  let localURI: String
  let interval: Duration
  let pool: BlockingPool

  private enum Ending: Sendable {
    case watched(MigrationMonitor.Cause?)
    case heard
  }

  /// Returns when `job` has ended; nil: with success.
  func perform(
    _ progress: @escaping @Sendable (MigrationProgress) -> Void,
    _ job: @escaping @Sendable (LibvirtConnection) async throws(LibvirtError) -> Void
  ) async -> Failure? {
    await withTaskGroup(of: Ending.self) { group in
      group.addTask { .watched(await watch(progress)) }
      group.addTask {
        await endWhenWished()
        return .heard
      }
      let failure = await run(job)
      group.cancelAll()
      var cause: MigrationMonitor.Cause?
      for await ending in group { if case .watched(let found) = ending { cause = found } }
      return failure.map { explained($0, cause) }
    }
  }

  private func explained(_ error: LibvirtError, _ cause: MigrationMonitor.Cause?) -> Failure {
    if control.isCancelled { return Failure(code: .cancelled, message: "cancelled", mayPass: false) }
    switch cause {
    case .timeout:
      return Failure(
        code: .timeout, message: "given up after \(order.tuning.timeout ?? 0) s, the task's timeout", mayPass: false)
    case .notConverging:
      return Failure(
        code: .timeout, message: "given up: the guest writes faster than its memory is copied", mayPass: false)
    case .stalled:
      return Failure(
        code: .destination, message: "given up: nothing moved any more (\(error.message))", mayPass: true)
    case nil: return Failure(message: error.message, mayPass: error.isRetryable)
    }
  }

  private func run(
    _ job: @escaping @Sendable (LibvirtConnection) async throws(LibvirtError) -> Void
  ) async -> LibvirtError? {
    do throws(LibvirtError) {
      let own = try await LibvirtConnection.open(localURI, pool: pool)
      do throws(LibvirtError) {
        try await job(own)
      } catch {
        await own.close()
        throw error
      }
      await own.close()
      return nil
    } catch {
      return error
    }
  }

  /// Ends the job when somebody wishes so.
  private func endWhenWished() async {
    await control.wished()
    guard control.isCancelled else { return }
    while !Task.isCancelled {
      // Refused before the job has begun, and after the switch to post-copy; then its own end comes.
      if (try? await connection.abortJob(reference)) != nil { return }
      try? await Task.sleep(for: .milliseconds(50))  // a cancelled wait is over
    }
  }

  /// Reports progress and does what the tuning asks for, until cancelled.
  private func watch(_ progress: @Sendable (MigrationProgress) -> Void) async -> MigrationMonitor.Cause? {
    var sampler = ProgressSampler(order, phase)
    var monitor = monitor
    var lastReport: Duration?
    while true {
      // Progress is not told more often than people look; a switch, a limit or an end is wanted sooner.
      do { try await Task.sleep(for: min(interval, .milliseconds(250))) } catch { return monitor.cause }
      // A question that cannot be answered costs one sample; the job itself reports what is wrong.
      guard let job = try? await connection.job(of: reference) else { continue }
      let elapsed = ContinuousClock.now - began
      if lastReport.map({ elapsed - $0 >= interval }) ?? true {
        lastReport = elapsed
        progress(sampler.sample(job, elapsed: elapsed))
      }
      let sample = MigrationMonitor.Sample(
        elapsed: elapsed, totalBytes: job.dataTotal, sentBytes: job.dataProcessed, remainingBytes: job.dataRemaining,
        pass: job.iteration ?? 0)
      for action in monitor.observe(sample) {
        do throws(LibvirtError) {
          try await perform(action)
        } catch {
          // Too early, as a rule: asked for again with the next sample.
          monitor.failed(action)
        }
      }
    }
  }

  private func perform(_ action: MigrationMonitor.Action) async throws(LibvirtError) {
    switch action {
    case .limitDowntime(let milliseconds):
      try await connection.setMaximumDowntime(milliseconds: UInt64(milliseconds), of: reference)
    case .startPostCopy: try await connection.startPostCopy(reference)
    case .abort: try await connection.abortJob(reference)
    }
  }
}
