import ClusterModel
import Foundation
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// What becomes of a machine that was saved for its migration.
extension LibvirtHypervisor {
  /// From the image to the destination, or back.
  func restore(
    _ image: SavedImage, _ ends: MigrationEnds, _ here: DomainRecord?, _ moved: MovedVM, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    var (moved, image) = (moved, image)
    let began = ContinuousClock.now
    course.tell(.restoring)
    do throws(HypervisorError) {
      guard !course.control.isCancelled else { throw course.cancelled(on: host) }
      var definition: String?
      if let here, here.isPersistent {
        let own = try await ends.definition(of: here)
        definition =
          try ends.order.tuning.vcpuMap.map { map throws(HypervisorError) in
            try MigrationEnds.pinned(own, to: map)
          } ?? own
      }
      try await restore(&image, at: ends, defining: definition)
    } catch {
      // Whoever ordered the stage knows whether there is room for it here.
      throw ends.order.tuning.offlineStage == nil ? await takeBack(image, ends, after: error) : error
    }
    moved.times.append(TimeMeasurement("restore", seconds: (ContinuousClock.now - began).inSeconds))
    course.tell(.verifying)
    return try await finish(ends, here, image: image, moved)
  }

  private func restore(
    _ image: inout SavedImage, at ends: MigrationEnds, defining definition: String?
  ) async throws(HypervisorError) {
    let destination = ends.order.destination
    var description: String?
    if let map = ends.order.tuning.vcpuMap {
      let saved = try await ends.atSource("reading \(image.path)") { [path = image.path] source throws(LibvirtError) in
        try await source.savedDescription(in: path)
      }
      description = try MigrationEnds.pinned(saved, to: map)
    }
    if let definition {
      try await ends.atDestination("defining \(ends.vm)") { peer throws(LibvirtError) in
        _ = try await peer.define(xml: definition)
      }
    }
    do throws(HypervisorError) {
      try await load(&image, at: ends.destination, on: destination, as: description)
    } catch {
      // Its definition there is of no use if it is not there.
      guard !image.mayHaveRun else { throw error }
      let there = try await ends.atDestination("looking up \(ends.vm)") { peer throws(LibvirtError) in
        try await peer.domain(.name(ends.vm.rawValue))
      }
      var told = error
      if let there, !there.isActive {
        do throws(LibvirtError) {
          try await ends.destination.undefine(.uuid(there.uuid), includingManagedSaveAndNVRAMAndSnapshots: false)
        } catch {
          told.description += "; its definition there could not be removed (\(error.message))"
        }
      }
      throw told
    }
  }

  /// Loads the machine at one end, and lets it run only when it is there: whatever fails before, the next attempt begins
  /// with the image anew.
  private func load(
    _ image: inout SavedImage, at end: LibvirtConnection, on place: HostName, as description: String? = nil
  ) async throws(HypervisorError) {
    let vm = image.vm
    do throws(LibvirtError) {
      try await end.restorePaused(from: image.path, as: description)
    } catch {
      let failure = HypervisorError(error, while: "restoring \(vm) from \(image.path) on \(place)")
      // What counts is where it is.
      let record: DomainRecord?
      do throws(LibvirtError) { record = try await end.domain(.name(vm.rawValue)) } catch {
        throw HypervisorError(error, while: "looking up \(vm) on \(place)")
      }
      guard record?.isHere == true else { throw failure }
    }
    try await letRun(&image, at: end, on: place)
  }

  /// A machine that was loaded from its image, and waits, goes on; one that was saved paused does not.
  func letRun(
    _ image: inout SavedImage, at end: LibvirtConnection, on place: HostName
  ) async throws(HypervisorError) {
    guard image.kind != .savedPaused else { return }
    try image.claim()
    do throws(LibvirtError) { try await end.resume(.name(image.vm.rawValue)) } catch {
      throw HypervisorError(error, while: "letting \(image.vm) run on \(place)")
    }
  }

  func letRun(
    _ image: inout SavedImage?, at end: LibvirtConnection, on place: HostName
  ) async throws(HypervisorError) {
    guard var found = image else { return }
    defer { image = found }
    try await letRun(&found, at: end, on: place)
  }

  /// The machine goes on here, if it can.
  private func takeBack(
    _ image: SavedImage, _ ends: MigrationEnds, after error: HypervisorError
  ) async -> HypervisorError {
    guard error.code != .inDoubt else { return error }
    var (told, image) = (error, image)
    guard !image.mayHaveRun else { return Self.kept(image, told, because: "it may have run there") }
    do throws(LibvirtError) {
      // The destination may have it after all, and no longer answer: only one that is known not to be there is started.
      let there = try await ends.destination.domain(.name(ends.vm.rawValue))
      guard there?.isActive != true else {
        return HypervisorError(
          .inDoubt,
          "\(error.description); \(ends.order.destination) holds \(ends.vm) in some state; it is kept in \(image.path)",
          mayPass: true)
      }
    } catch {
      return Self.kept(image, told, because: error.message)
    }
    do throws(HypervisorError) { try await restoreHere(&image, ends) } catch {
      return Self.kept(image, told, because: error.description)
    }
    told.description += "; it runs on \(host) again"
    return told
  }

  /// The next attempt finds the image, or where the machine is.
  private static func kept(_ image: SavedImage, _ error: HypervisorError, because cause: String) -> HypervisorError {
    HypervisorError(
      .inDoubt,
      "\(error.description); it does not run, and could not be taken back (\(cause)): it is kept in \(image.path), 'virsh "
        + "restore' starts it", mayPass: true)
  }

  /// The machine, which is known not to be at the destination, goes on here.
  func restoreHere(_ image: inout SavedImage, _ ends: MigrationEnds) async throws(HypervisorError) {
    try await load(&image, at: ends.source, on: host)
    try image.remove()
  }

  /// It runs at the destination: nothing of it stays here.
  func finish(
    _ ends: MigrationEnds, _ here: DomainRecord?, image: SavedImage?, _ moved: MovedVM
  ) async throws(HypervisorError) -> MovedVM {
    var moved = moved
    let there: DomainRecord?
    do throws(HypervisorError) { there = try await ends.look(.name(ends.vm.rawValue)).there } catch {
      guard let image, ends.order.tuning.offlineStage == nil else { throw error }
      throw HypervisorError(
        .inDoubt,
        "\(ends.vm) was restored on \(ends.order.destination), and is still kept in \(image.path): "
          + error.description, mayPass: error.mayPass)
    }
    guard let there, there.isHere else {
      throw HypervisorError(.wrongState, "\(ends.vm) stopped on \(ends.order.destination) after it was restored there")
    }
    if let here, here.isPersistent, !here.isActive {
      try await ends.atSource("Error undefining domain \(ends.vm)") { source throws(LibvirtError) in
        try await source.undefine(.uuid(here.uuid), includingManagedSaveAndNVRAMAndSnapshots: true)
      }
    }
    if let image {
      do throws(HypervisorError) { try image.remove() } catch { moved.remarks.append(error.description) }
    }
    return moved
  }
}
