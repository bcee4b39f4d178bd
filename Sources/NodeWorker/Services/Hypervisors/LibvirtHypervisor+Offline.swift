import ClusterModel
import DaemonKit
import Foundation
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// Migration by way of shared storage: saved here, restored there.
///
///     runs here ──save──▶ image, off here ──define, restore there──▶ runs there ──undefine here, remove image──▶ done
///                            │  ▲                    │
///                            │  └── next attempt ────┤ fails
///                            └── restore here ◀──────┘
///
/// The image is the machine: it is removed only when the machine runs at one end. A worker that is killed in between finds
/// it at its next attempt and goes on from there.
extension LibvirtHypervisor {
  /// Where the machine of an order is.
  enum OfflineSource {
    /// Off, defined here: only the definition moves.
    case definition(DomainRecord)
    /// In an image that an earlier attempt has left.
    case image(String, here: DomainRecord?)
  }

  /// What there is to be moved of a machine that does not run.
  func offlineSource(
    _ order: MigrationOrder, _ here: DomainRecord?, _ there: DomainRecord?
  ) throws(HypervisorError) -> OfflineSource {
    if let image = savedImage(of: order) { return .image(image, here: here) }
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
  func savedImage(of order: MigrationOrder) -> String? {
    order.type == .offline ? savedImage(of: order.vm) : nil
  }

  private func savedImage(of vm: VMName) -> String? {
    guard let path = imagePath(of: vm) else { return nil }
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// A machine that is kept in an image is not started beside it: what it had in its memory would be lost.
  func refuseStart(besideImageOf name: String) throws(HypervisorError) {
    guard let image = savedImage(of: VMName(rawValue: name)) else { return }
    throw HypervisorError(
      .wrongState,
      "\(name) is kept in \(image), where an exchange or an offline migration has saved it: 'migrate vm' with "
        + "'offline-stage: go-home' starts it from there; remove the image if it is old")
  }

  /// nil: there is no directory that all hosts share.
  private func imagePath(of vm: VMName) -> String? {
    settings.sharedDirectory.map { "\($0)/\(vm).migfra-save" }
  }

  func moveOffline(
    _ ends: MigrationEnds, _ finding: MigrationEnds.Finding, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    let order = ends.order
    if order.tuning.offlineStage == .goHome { return try await goHome(ends, finding) }
    switch finding {
    case .there(let record):
      // The image and the definition here are left if the worker was killed at the very end.
      let here = try await ends.look(.uuid(record.uuid)).here
      return try await finish(ends, here, image: savedImage(of: order), MovedVM())
    case .here(let record):
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
    let image = savedImage(of: ends.order)
    switch finding {
    case .there:
      throw HypervisorError(
        .wrongState, "\(ends.vm) runs on \(ends.order.destination), it cannot go home from its image")
    case .here: if let image { try remove(image) }
    case .notRunning:
      guard let image else {
        throw HypervisorError(.wrongState, "\(ends.vm) does not run on \(host), and nothing of it is saved")
      }
      try await ends.atSource("restoring \(ends.vm) from \(image)") { source throws(LibvirtError) in
        try await source.restore(from: image)
      }
      try remove(image)
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
    guard let image = imagePath(of: ends.order.vm) else {
      throw HypervisorError(
        .unsupported,
        "offline migration needs a directory that all hosts share: set hypervisor.shared-directory on \(host)")
    }
    try await ends.preflight(record)
    _ = try await ends.descriptions(of: record)
    var moved = MovedVM()
    moved.times += try await ends.takeOffDevices()
    // It runs here, so what an attempt has left is of no use.
    if FileManager.default.fileExists(atPath: image) { try remove(image) }
    guard !course.control.isCancelled else { throw course.cancelled(on: host) }
    let began = ContinuousClock.now
    let job = run(
      record, ends, course, .saving, MigrationMonitor(ends.order.tuning, patience: migrationPolicy.stallTimeout))
    let failure = await job.perform(course.progress) { own throws(LibvirtError) in
      try await own.save(.uuid(record.uuid), to: image)
    }
    if let failure {
      let here = try await ends.look(.uuid(record.uuid)).here
      guard here?.isActive == true else {
        throw HypervisorError(
          .inDoubt, "saving \(ends.vm) to \(image) failed (\(failure.message)), and it does not run on \(host) any more"
        )
      }
      if FileManager.default.fileExists(atPath: image) { try remove(image) }
      throw HypervisorError(
        failure.code, "saving \(ends.vm) to \(image) failed: \(failure.message); it runs on here",
        mayPass: failure.mayPass)
    }
    moved.times.append(TimeMeasurement("save", seconds: (ContinuousClock.now - began).inSeconds))
    if ends.order.tuning.offlineStage == .save { return moved }
    let here = try await ends.look(.uuid(record.uuid)).here
    return try await restore(image, ends, here, moved, course)
  }
}
