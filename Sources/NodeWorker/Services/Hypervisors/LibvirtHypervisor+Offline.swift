import ClusterModel
import DaemonKit
import Foundation
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// Migration by way of shared storage: saved here, restored there.
///
///     runs here ──save──▶ image, off here ──define, load there──▶ waits there ──▶ runs there ──undefine here, remove image──▶ done
///                            │  ▲                    │
///                            │  └── next attempt ────┤ fails
///                            └── load, run here ◀────┘
///
/// The image is the machine: it is removed only when the machine runs at one end. A worker that is killed in between finds
/// it at its next attempt, and goes on from there; only where the machine may have run, and runs no more, it does not.
extension LibvirtHypervisor {
  /// Where the machine of an order is.
  enum OfflineSource {
    /// Off, defined here: only the definition moves.
    case definition(DomainRecord)
    /// In an image that an earlier attempt has left.
    case image(SavedImage, here: DomainRecord?)
  }

  /// What there is to be moved of a machine that does not run.
  func offlineSource(
    _ order: MigrationOrder, _ here: DomainRecord?, _ there: DomainRecord?
  ) throws(HypervisorError) -> OfflineSource {
    if let image = savedImage(of: order) {
      try refuseIncomplete(image)
      // The stages of an exchange are those of who ordered them, and lets nobody else move it meanwhile.
      guard !image.mayHaveRun || order.tuning.offlineStage == .restore else {
        throw HypervisorError(
          .inDoubt,
          "whether \(order.vm) ran on \(order.destination) is not known: it was being restored there, and does not run there "
            + "now; it is kept in \(image.path): if it runs nowhere, 'virsh restore' starts it, else remove the file")
      }
      return .image(image, here: here)
    }
    guard let here else { throw notRunning(order, nil) }
    if let there, there.uuid != here.uuid {
      throw HypervisorError(.exists, "\(order.destination) has another machine named \(order.vm); rename or remove one")
    }
    guard !here.hasManagedSave else {
      throw HypervisorError(
        .wrongState,
        "\(order.vm) has a managed save image on \(host), which would stay behind; start it, or drop the image with "
          + "'virsh managedsave-remove'")
    }
    return .definition(here)
  }

  /// The image of an earlier attempt, if there is one.
  func savedImage(of order: MigrationOrder) -> SavedImage? {
    guard order.type == .offline, let directory = settings.sharedDirectory else { return nil }
    return SavedImage(of: order.vm, by: host, in: directory)
  }

  /// A machine that does not run, and was not saved to the end, is lost: its host was.
  private func refuseIncomplete(_ image: SavedImage) throws(HypervisorError) {
    guard !image.isComplete else { return }
    try image.remove()
    throw HypervisorError(
      .wrongState,
      "\(image.vm) stopped on \(host) while it was being saved: its image was incomplete, and was removed; it is off")
  }

  /// A machine that is kept in an image is not started beside it: what it had in its memory would be lost.
  func refuseStart(besideImageOf name: String) throws(HypervisorError) {
    guard let directory = settings.sharedDirectory,
      let image = try SavedImage.all(of: VMName(rawValue: name), in: directory).first(where: \.isComplete)
    else { return }
    throw HypervisorError(
      .wrongState,
      "\(name) is kept in \(image.path), where an exchange or an offline migration has saved it: 'migrate vm' with "
        + "'offline-stage: go-home' starts it from there; remove the image if it is old")
  }

  func moveOffline(
    _ ends: MigrationEnds, _ finding: MigrationEnds.Finding, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    let order = ends.order
    if order.tuning.offlineStage == .goHome { return try await goHome(ends, finding) }
    switch finding {
    case .there(let record):
      // The image and the definition here are left if the worker was killed before the end.
      var image = savedImage(of: order)
      try await letRun(&image, at: ends.destination, on: order.destination)
      let here = try await ends.look(.uuid(record.uuid)).here
      return try await finish(ends, here, image: image, MovedVM())
    case .here(let record):
      var image = savedImage(of: order)
      try await letRun(&image, at: ends.source, on: host)
      guard order.mayBegin else { throw order.tooLate(on: host) }
      guard order.tuning.offlineStage != .restore else {
        throw HypervisorError(.wrongState, "\(order.vm) is not saved, it runs on \(host)")
      }
      return try await save(record, ends, course)
    case .notRunning(let here, let there):
      switch try offlineSource(order, here, there) {
      case .image where order.tuning.offlineStage == .save: return MovedVM()
      case .definition where order.tuning.offlineStage != nil:
        throw HypervisorError(.wrongState, "\(order.vm) is off on \(host), and nothing of it is saved")
      case .definition(let record):
        guard order.mayBegin else { throw order.tooLate(on: host) }
        return try await moveDefinition(of: record, ends)
      case .image(let image, let here): return try await restore(image, ends, here, MovedVM(), course)
      }
    }
  }

  /// The machine goes on here, from its image.
  private func goHome(
    _ ends: MigrationEnds, _ finding: MigrationEnds.Finding
  ) async throws(HypervisorError) -> MovedVM {
    var image = savedImage(of: ends.order)
    switch finding {
    case .there(let record):
      guard var image, image.kind == .saved else {
        throw HypervisorError(
          .wrongState, "\(ends.vm) runs on \(ends.order.destination), it cannot go home from its image")
      }
      try await ends.discardLoaded(record)
      try await restoreHere(&image, ends)
    case .here:
      try await letRun(&image, at: ends.source, on: host)
      try image?.remove()
    case .notRunning:
      guard var image else {
        throw HypervisorError(.wrongState, "\(ends.vm) does not run on \(host), and nothing of it is saved")
      }
      try refuseIncomplete(image)
      try await restoreHere(&image, ends)
    }
    return MovedVM()
  }

  private func moveDefinition(
    of record: DomainRecord, _ ends: MigrationEnds
  ) async throws(HypervisorError) -> MovedVM {
    try await ends.preflight(record)
    var options = MigrationOptions(live: false, movingDefinition: true)
    options.offline = true
    options.persistentXML = try await ends.descriptions(of: record).persistent
    try await ends.atSource("moving the definition of \(ends.vm) to \(ends.order.destination)") {
      [options] source throws(LibvirtError) in
      try await source.migrate(.uuid(record.uuid), to: ends.destinationURI, options: options)
    }
    let (here, there) = try await ends.look(.uuid(record.uuid))
    guard here == nil, there != nil else {
      throw HypervisorError(
        .hypervisor, "the definition of \(ends.vm) is \(here == nil ? "at neither end" : "still on \(host)")")
    }
    return MovedVM()
  }

  private func save(
    _ record: DomainRecord, _ ends: MigrationEnds, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    guard let directory = settings.sharedDirectory else {
      throw HypervisorError(
        .unsupported,
        "offline migration needs a directory that all hosts share: set hypervisor.shared-directory on \(host)")
    }
    try await ends.preflight(record)
    _ = try await ends.descriptions(of: record)
    var moved = MovedVM()
    moved.times += try await ends.takeOffDevices()
    // It runs here, so what an attempt has left is of no use.
    try savedImage(of: ends.order)?.remove()
    let image = SavedImage(
      newOf: ends.vm, by: host, in: directory, record.state == .paused ? .savedPaused : .saved)
    guard !course.control.isCancelled else { throw course.cancelled(on: host) }
    let began = ContinuousClock.now
    let job = run(
      record, ends, course, .saving, MigrationMonitor(ends.order.tuning, patience: migrationPolicy.stallTimeout))
    let failure = await job.perform(course.progress) { own throws(LibvirtError) in
      try await own.save(.uuid(record.uuid), to: image.path)
    }
    if let failure {
      let here = try await ends.look(.uuid(record.uuid)).here
      guard here?.isActive == true else {
        throw HypervisorError(
          .inDoubt,
          "saving \(ends.vm) to \(image.path) failed (\(failure.message)), and it does not run on \(host) any more")
      }
      try savedImage(of: ends.order)?.remove()
      throw HypervisorError(
        failure.code, "saving \(ends.vm) to \(image.path) failed: \(failure.message); it runs on here",
        mayPass: failure.mayPass)
    }
    moved.times.append(TimeMeasurement("save", seconds: (ContinuousClock.now - began).inSeconds))
    if ends.order.tuning.offlineStage == .save { return moved }
    let here = try await ends.look(.uuid(record.uuid)).here
    return try await restore(image, ends, here, moved, course)
  }
}
