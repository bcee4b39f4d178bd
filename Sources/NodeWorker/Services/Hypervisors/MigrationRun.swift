import BlockingPool
import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// One call of libvirt's migration, with what watches it beside it.
struct MigrationRun {
  /// Why libvirt says that it did not end well. Where the machine is, only both ends can tell.
  struct Failure: Error {
    /// libvirt's own words, or ours when it was given up.
    var message: String
    var mayPass: Bool
    var isTimeout = false
  }

  let reference: DomainReference
  let order: MigrationOrder
  let options: MigrationOptions
  let began: ContinuousClock.Instant
  /// Answers questions while the migration runs on a connection of its own.
  let control: LibvirtConnection
  let localURI: String
  let destinationURI: String
  let interval: Duration
  let pool: BlockingPool

  /// Returns when libvirt has ended; nil: with success.
  func perform(_ progress: @escaping @Sendable (MigrationProgress) -> Void) async -> Failure? {
    await withTaskGroup(of: MigrationMonitor?.self) { group in
      group.addTask { await watch(progress) }
      let failure = await migrate()
      group.cancelAll()
      let monitor = await group.next() ?? nil
      guard let failure else { return nil }
      if monitor?.hasAborted == true, let timeout = order.tuning.timeout {
        return Failure(message: "given up after \(timeout) s, the task's timeout", mayPass: false, isTimeout: true)
      }
      return Failure(message: failure.message, mayPass: failure.isRetryable)
    }
  }

  private func migrate() async -> LibvirtError? {
    do throws(LibvirtError) {
      let own = try await LibvirtConnection.open(localURI, pool: pool)
      do throws(LibvirtError) {
        try await own.migrate(reference, to: destinationURI, options: options)
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

  /// Reports progress and does what the tuning asks for, until cancelled.
  private func watch(_ progress: @Sendable (MigrationProgress) -> Void) async -> MigrationMonitor {
    var sampler = ProgressSampler(order)
    var monitor = MigrationMonitor(order.tuning)
    var pause = Duration.milliseconds(200)
    while true {
      do { try await Task.sleep(for: pause) } catch { return monitor }  // the migration has ended
      // A question that cannot be answered costs one sample; the migration itself reports what is wrong.
      guard let job = try? await control.job(of: reference) else { continue }
      let elapsed = ContinuousClock.now - began
      progress(sampler.sample(job, elapsed: elapsed))
      let sample = MigrationMonitor.Sample(elapsed: elapsed, totalBytes: job.dataTotal, pass: job.iteration ?? 0)
      for action in monitor.observe(sample) {
        do throws(LibvirtError) {
          try await perform(action)
        } catch {
          // Too early, as a rule: asked for again with the next sample.
          monitor.failed(action)
        }
      }
      // A switch or a limit is wanted soon, progress not more often than people look.
      pause = order.tuning.postCopies || order.tuning.timeout != nil ? min(interval, .milliseconds(250)) : interval
    }
  }

  private func perform(_ action: MigrationMonitor.Action) async throws(LibvirtError) {
    switch action {
    case .limitDowntime(let milliseconds):
      try await control.setMaximumDowntime(milliseconds: UInt64(milliseconds), of: reference)
    case .startPostCopy: try await control.startPostCopy(reference)
    case .abort: try await control.abortJob(reference)
    }
  }
}

extension MigrationOptions {
  /// "Warm" is libvirt's migration without LIVE: the machine stands still while its memory is copied, and goes on at
  /// whichever end it is at afterwards.
  init(_ order: MigrationOrder, movingDefinition: Bool) {
    self.init(live: order.type == .live, movingDefinition: movingDefinition)
    bandwidth = order.tuning.bandwidth.map { UInt64($0) }
    autoConverge = order.tuning.autoConverges
    postCopy = order.tuning.postCopies
    parallelConnections = order.tuning.parallelConnections.map { Int32(clamping: $0) }
    compressed = order.tuning.compresses
  }
}
