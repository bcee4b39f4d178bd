public import ClusterModel
import DaemonKit
import Libvirt
import MigfraProtocol
public import NodeWorkerCore

extension LibvirtHypervisor {
  public func examine(_ order: MigrationOrder) async throws(HypervisorError) -> MigrationProspect {
    let connection = try connection()
    try await awaitEarlierJob(of: order.vm, on: connection)
    if try await isSavedAlready(order, connection) { return .ready }
    return try await withEnds(of: order, connection) { ends throws(HypervisorError) in
      switch try await ends.judge() {
      case .there(let there) where savedImage(of: order) == nil:
        if try await ends.lacksDevices() { return .ready }
        return try await ends.definitionLeft(by: there) == nil ? .alreadyThere : .ready
      case .there: return .ready
      case .here(let record):
        try await ends.preflight(record)
        _ = try await ends.movableDevices()
        _ = try await ends.descriptions(of: record)
      case .notRunning(let here, let there):
        if order.type != .offline { throw notRunning(order, here) }
        _ = try offlineSource(order, here, there)
      }
      return .ready
    }
  }

  /// Moves a machine peer-to-peer: the source's libvirtd finishes it even if this worker dies.
  public func migrate(
    _ order: MigrationOrder, _ control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async throws(HypervisorError) -> MovedVM {
    let course = MigrationCourse(order: order, control: control, progress: progress)
    let connection = try connection()
    course.tell(.preparing)
    try await awaitEarlierJob(of: order.vm, on: connection)
    if try await isSavedAlready(order, connection) { return MovedVM() }
    return try await withEnds(of: order, connection) { ends throws(HypervisorError) in
      let finding = try await ends.judge()
      do throws(HypervisorError) {
        var moved = try await move(ends, finding, course)
        switch order.tuning.offlineStage {
        case .save: break
        case .goHome: moved.times += try await ends.completeDevicesAtHome()
        case .restore, nil: moved.times += try await ends.completeDevices()
        }
        return moved
      } catch {
        throw await ends.giveBackDevices(after: error)
      }
    }
  }

  private func move(
    _ ends: MigrationEnds, _ finding: MigrationEnds.Finding, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    if ends.order.type == .offline { return try await moveOffline(ends, finding, course) }
    switch finding {
    case .there(let there):
      var moved = MovedVM()
      moved.remarks = try await ends.removeDefinitionLeft(by: there)
      return moved
    case .notRunning(let here, _): throw notRunning(ends.order, here)
    case .here(let record): return try await move(record, ends, course)
    }
  }

  private func move(
    _ record: DomainRecord, _ ends: MigrationEnds, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    let order = ends.order
    guard order.mayBegin else { throw order.tooLate(on: host) }
    try await ends.preflight(record)
    var moved = MovedVM()
    moved.times += try await ends.takeOffDevices()
    // The descriptions are read only now: what was taken off must not arrive, and the note about it must.
    var options = MigrationOptions(order, movingDefinition: record.isPersistent)
    (options.destinationXML, options.persistentXML) = try await ends.descriptions(of: record)
    options.encrypted = settings.encryptsMemory
    if order.tuning.usesRDMA {
      switch rdma.address(of: order.destination) {
      case .success(let uri): options.migrationURI = uri
      case .failure(let obstacle): moved.remarks.append("moved over TCP: \(obstacle)")
      }
    }
    let monitor = MigrationMonitor(
      order.tuning, nonConvergence: migrationPolicy.nonConvergence, patience: migrationPolicy.stallTimeout)
    options.postCopy = monitor.needsPostCopy
    let run = run(record, ends, course, .copying, monitor)
    guard !course.control.isCancelled else { throw course.cancelled(on: host) }
    let began = ContinuousClock.now
    let failure = await run.perform(course.progress) { [options] own throws(LibvirtError) in
      try await own.migrate(.uuid(record.uuid), to: ends.destinationURI, options: options)
    }
    course.tell(.verifying, of: record)
    try await ends.verify(record, after: failure)
    moved.times.append(TimeMeasurement("migrate", seconds: (ContinuousClock.now - began).inSeconds))
    // Statistics: a migration without them has succeeded all the same.
    if let job = try? await ends.destination.completedJob(of: .uuid(record.uuid)), let downtime = job.downtime {
      moved.times.append(TimeMeasurement("downtime", seconds: Double(downtime) / 1000))
    }
    return moved
  }

  /// A job of libvirt with what watches it.
  func run(
    _ record: DomainRecord, _ ends: MigrationEnds, _ course: MigrationCourse, _ phase: MigrationProgress.Phase,
    _ monitor: MigrationMonitor
  ) -> MigrationRun {
    MigrationRun(
      reference: .uuid(record.uuid), order: ends.order, phase: phase, monitor: monitor, control: course.control,
      began: course.began, connection: ends.source, localURI: settings.localURI, interval: progressInterval,
      pool: migrationPool)
  }

  func notRunning(_ order: MigrationOrder, _ here: DomainRecord?) -> HypervisorError {
    guard here != nil else {
      return HypervisorError(.notFound, "Domain not found: no domain with matching name '\(order.vm)' on \(host)")
    }
    return HypervisorError(
      .wrongState,
      "Error migrating domain: \(order.vm) is not running on \(host); only running machines move live or warm, one that is "
        + "off moves with 'migration-type: offline'")
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

  /// Whether an earlier incarnation has saved the machine for an exchange, and was not there to say so. Its destination
  /// need not be asked: only the coordinator's next order lets the machine go on there.
  private func isSavedAlready(
    _ order: MigrationOrder, _ connection: LibvirtConnection
  ) async throws(HypervisorError) -> Bool {
    guard order.tuning.offlineStage == .save, savedImage(of: order)?.isComplete == true else { return false }
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
      try await connection.domain(.name(order.vm.rawValue))
    }
    return here?.isActive != true
  }

  /// The image that an earlier attempt to move the machine has left, if it does not run here. The stages of an exchange
  /// are those of who ordered them.
  private func imageInDoubt(
    of order: MigrationOrder, on connection: LibvirtConnection
  ) async throws(HypervisorError) -> String? {
    guard order.tuning.offlineStage == nil, let image = savedImage(of: order), image.isComplete else { return nil }
    let here = try await asking("looking up \(order.vm)") { () throws(LibvirtError) in
      try await connection.domain(.name(order.vm.rawValue))
    }
    return here?.isActive == true ? nil : image.path
  }

  /// A destination that does not answer is waited for if the machine may be there, in whatever state: nobody else can get it
  /// going.
  private func opened(
    _ uri: String, for order: MigrationOrder, _ own: LibvirtConnection
  ) async throws(LibvirtError) -> LibvirtConnection {
    let end = ContinuousClock.now + imagePatience
    while true {
      do throws(LibvirtError) { return try await LibvirtConnection.open(uri, pool: migrationPool) } catch {
        // That libvirt does not answer here either is the next question's to tell.
        guard .now < end, (try? await imageInDoubt(of: order, on: own)) ?? nil != nil,
          // Cancelled: the worker is stopped.
          (try? await Task.sleep(for: .seconds(1))) != nil
        else { throw error }
      }
    }
  }

  /// Opens the other end for the time of `body`.
  private func withEnds<T: Sendable>(
    of order: MigrationOrder, _ connection: LibvirtConnection,
    _ body: (MigrationEnds) async throws(HypervisorError) -> T
  ) async throws(HypervisorError) -> T {
    let uri = settings.uri(of: order.destination, transport: order.tuning.transport)
    let target: LibvirtConnection
    do throws(LibvirtError) {
      target = try await opened(uri, for: order, connection)
    } catch {
      let silence = "destination \(order.destination) cannot be reached (\(uri)): \(error.message)"
      if let image = try await imageInDoubt(of: order, on: connection) {
        throw HypervisorError(
          .inDoubt,
          "\(silence); \(order.vm) does not run on \(host), and may run there: it is kept in \(image), 'virsh restore' "
            + "starts it", mayPass: true)
      }
      throw HypervisorError(.destination, silence, mayPass: true)
    }
    let ends = MigrationEnds(
      order: order, host: host, source: connection, destination: target, destinationURI: uri)
    do throws(HypervisorError) {
      let value = try await body(ends)
      await target.close()
      return value
    } catch {
      await target.close()
      throw error
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
    parallelConnections = order.tuning.parallelConnections.map { Int32(clamping: $0) }
    compressed = order.tuning.compresses
  }
}
