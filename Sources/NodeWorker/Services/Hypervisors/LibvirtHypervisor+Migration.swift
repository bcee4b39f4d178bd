public import ClusterModel
import DaemonKit
import Libvirt
import MigfraProtocol

extension LibvirtHypervisor {
  /// Moves a machine peer-to-peer: the source's libvirtd finishes it even if this worker dies.
  public func migrate(
    _ order: MigrationOrder, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async throws(HypervisorError) {
    let began = ContinuousClock.now
    let connection = try connection()
    progress(MigrationProgress(vm: order.vm, task: order.task, destination: order.destination, phase: .preparing))
    try await awaitEarlierJob(of: order.vm, on: connection)
    let target = try await reach(order.destination)
    do throws(HypervisorError) {
      let record = try await prepare(order, from: connection, to: target)
      if let record {
        let failure = await move(record, order, began, connection, progress)
        progress(order.verifying(record, elapsed: ContinuousClock.now - began))
        try await verify(record, order, from: connection, to: target, after: failure)
      }
    } catch {
      await target.close()
      throw error
    }
    await target.close()
  }

  /// A worker that was restarted finds its migration still running in libvirtd: it is waited for, not repeated.
  private func awaitEarlierJob(of vm: VMName, on connection: LibvirtConnection) async throws(HypervisorError) {
    while true {
      let job = try await asking("asking for jobs of \(vm)") { () throws(LibvirtError) -> JobRecord? in
        guard let record = try await connection.domain(.name(vm.rawValue)), record.isActive else { return nil }
        return try await connection.job(of: .uuid(record.uuid))
      }
      guard job != nil else { return }
      // libvirt reports a job's progress only when asked.
      do { try await Task.sleep(for: progressInterval) } catch {
        throw HypervisorError(.cancelled, "the worker was stopped while \(vm) was moving")
      }
    }
  }

  private func reach(_ destination: HostName) async throws(HypervisorError) -> LibvirtConnection {
    let uri = settings.uri(of: destination)
    do throws(LibvirtError) {
      return try await LibvirtConnection.open(uri, pool: migrationPool)
    } catch {
      throw HypervisorError(
        .destination, "destination \(destination) cannot be reached (\(uri)): \(error.message)", mayPass: true)
    }
  }

  /// Looks at both ends before anything is touched; nil: the machine is there already.
  private func prepare(
    _ order: MigrationOrder, from connection: LibvirtConnection, to target: LibvirtConnection
  ) async throws(HypervisorError) -> DomainRecord? {
    let name = DomainReference.name(order.vm.rawValue)
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in try await connection.domain(name)
    }
    let there = try await asking("looking up \(order.vm) on \(order.destination), asked from") {
      () throws(LibvirtError) in
      try await target.domain(name)
    }
    guard let here, here.isActive else {
      if let there, there.isHere { return nil }
      if here == nil {
        throw HypervisorError(.notFound, "Domain not found: no domain with matching name '\(order.vm)' on \(host)")
      }
      throw HypervisorError(
        .wrongState,
        "Error migrating domain: \(order.vm) is not running on \(host); only running machines move live or warm")
    }
    guard let there, there.isActive || there.uuid != here.uuid else { return here }
    if there.isArriving, there.uuid == here.uuid {
      throw HypervisorError(
        .destination,
        "\(order.destination) still holds what an earlier migration of \(order.vm) left; it removes it itself",
        mayPass: true)
    }
    if there.uuid != here.uuid {
      throw HypervisorError(
        .exists,
        "\(order.destination) has another machine named \(order.vm) (\(there.uuid), here \(here.uuid)); rename or remove one"
      )
    }
    throw HypervisorError(
      .inDoubt,
      "\(order.vm) runs on \(host) and on \(order.destination) (\(there.state.rawValue) there): find out which one is the "
        + "right one and stop the other")
  }

  /// Runs libvirt's migration with its progress beside it; returns its error.
  private func move(
    _ record: DomainRecord, _ order: MigrationOrder, _ began: ContinuousClock.Instant,
    _ connection: LibvirtConnection, _ progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async -> LibvirtError? {
    let interval = progressInterval
    return await withTaskGroup(of: LibvirtError?.self) { group in
      group.addTask {
        var sampler = ProgressSampler(order)
        var pause = Duration.milliseconds(200)
        while true {
          do { try await Task.sleep(for: pause) } catch { return nil }  // the migration has ended
          // A question that cannot be answered costs one sample; the migration itself reports what is wrong.
          guard let job = try? await connection.job(of: .uuid(record.uuid)) else { continue }
          progress(sampler.sample(job, elapsed: ContinuousClock.now - began))
          pause = interval
        }
      }
      let failure = await perform(record, order)
      group.cancelAll()
      return failure
    }
  }

  private func perform(_ record: DomainRecord, _ order: MigrationOrder) async -> LibvirtError? {
    // "Warm" is libvirt's migration without LIVE: the machine stands still while its memory is copied, and goes on at
    // whichever end it is at afterwards.
    let options = MigrationOptions(live: order.type == .live, movingDefinition: record.isPersistent)
    do throws(LibvirtError) {
      let own = try await LibvirtConnection.open(settings.localURI, pool: migrationPool)
      do throws(LibvirtError) {
        try await own.migrate(.uuid(record.uuid), to: settings.uri(of: order.destination), options: options)
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

  /// Asks both ends where the machine runs now: that counts, not what the call returned.
  private func verify(
    _ record: DomainRecord, _ order: MigrationOrder, from connection: LibvirtConnection, to target: LibvirtConnection,
    after failure: LibvirtError?
  ) async throws(HypervisorError) {
    let reference = DomainReference.uuid(record.uuid)
    let cause = failure.map { "; libvirt said: \($0.message)" } ?? ""
    let there: DomainRecord?
    do throws(LibvirtError) {
      there = try await target.domain(reference)
    } catch {
      // The destination is silent: what the source says decides, unless the source let go of the machine.
      let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
        try await connection.domain(reference)
      }
      if here?.isActive == true, let failure {
        throw HypervisorError(
          .destination,
          "Migration failed: \(order.vm) from \(host) to \(order.destination): \(failure.message); it runs on here",
          mayPass: true)
      }
      throw HypervisorError(
        .inDoubt,
        "\(order.vm) is not on \(host) any more, and \(order.destination) does not answer (\(error.message))\(cause)")
    }
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
      try await connection.domain(reference)
    }
    switch (here?.isHere == true, there?.isHere == true) {
    case (false, true): return
    case (true, false):
      throw HypervisorError(
        .hypervisor,
        "Migration failed: \(order.vm) from \(host) to \(order.destination): \(failure?.message ?? "libvirt reported success")"
          + "; it runs on here", mayPass: failure?.isRetryable ?? false)
    case (true, true):
      throw HypervisorError(
        .inDoubt,
        "\(order.vm) is active on \(host) and on \(order.destination)\(cause): find out which one is right, and stop the other"
      )
    case (false, false):
      throw HypervisorError(.wrongState, "\(order.vm) stopped while it was moving to \(order.destination)\(cause)")
    }
  }
}

extension MigrationOrder {
  /// Everything is copied; both ends are being asked.
  fileprivate func verifying(_ record: DomainRecord, elapsed: Duration) -> MigrationProgress {
    let bytes = Int(clamping: record.memory) * 1024
    return MigrationProgress(
      vm: vm, task: task, destination: destination, phase: .verifying, totalBytes: bytes, doneBytes: bytes,
      elapsedSeconds: elapsed.inSeconds)
  }
}

/// Turns libvirt's job statistics into what people watch.
private struct ProgressSampler {
  private let order: MigrationOrder
  private var previous: (bytes: UInt64, elapsed: Duration)?

  init(_ order: MigrationOrder) {
    self.order = order
  }

  mutating func sample(_ job: JobRecord, elapsed: Duration) -> MigrationProgress {
    var rate = job.memoryBps ?? 0
    if rate == 0, let previous, elapsed > previous.elapsed, job.dataProcessed >= previous.bytes {
      rate = UInt64(Double(job.dataProcessed - previous.bytes) / (elapsed - previous.elapsed).inSeconds)
    }
    previous = (job.dataProcessed, elapsed)
    let remaining = Int(clamping: job.dataRemaining)
    return MigrationProgress(
      vm: order.vm, task: order.task, destination: order.destination, phase: .copying,
      totalBytes: Int(clamping: job.dataTotal), doneBytes: Int(clamping: job.dataTotal) - remaining,
      remainingBytes: remaining, rate: Int(clamping: rate), dirtyRate: job.dirtyBytesPerSecond.map(Int.init(clamping:)),
      elapsedSeconds: elapsed.inSeconds, remainingSeconds: rate > 0 ? Double(remaining) / Double(rate) : nil)
  }
}
