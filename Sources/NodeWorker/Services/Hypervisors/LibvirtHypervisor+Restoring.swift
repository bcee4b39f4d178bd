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
    try image.claim()
    do throws(LibvirtError) {
      try await ends.destination.restore(from: image.path, as: description)
    } catch {
      // What counts is where it runs.
      let there = try await ends.atDestination("looking up \(ends.vm)") { peer throws(LibvirtError) in
        try await peer.domain(.name(ends.vm.rawValue))
      }
      if there?.isHere == true { return }
      try image.release()
      var told = HypervisorError(error, while: "restoring \(ends.vm) from \(image.path) on \(destination)")
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

  /// The machine goes on here, if it can.
  private func takeBack(
    _ image: SavedImage, _ ends: MigrationEnds, after error: HypervisorError
  ) async -> HypervisorError {
    guard error.code != .inDoubt else { return error }
    var (told, image) = (error, image)
    do throws(LibvirtError) {
      // The destination may have it after all, and no longer answer: only one that is known not to run there is started.
      let there = try await ends.destination.domain(.name(ends.vm.rawValue))
      guard there?.isActive != true else {
        return HypervisorError(
          .inDoubt,
          "\(error.description); \(ends.order.destination) holds \(ends.vm) in some state; it is kept in \(image.path)")
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

  private static func kept(_ image: SavedImage, _ error: HypervisorError, because cause: String) -> HypervisorError {
    HypervisorError(
      .inDoubt,
      "\(error.description); it does not run, and could not be taken back (\(cause)): it is kept in \(image.path), 'virsh "
        + "restore' starts it")
  }

  /// The machine, which is known not to run at the destination, goes on here.
  func restoreHere(_ image: inout SavedImage, _ ends: MigrationEnds) async throws(HypervisorError) {
    try image.claim()
    do throws(LibvirtError) {
      try await ends.source.restore(from: image.path)
    } catch {
      let cause = HypervisorError(error, while: "restoring \(ends.vm) from \(image.path) on \(host)")
      let here = try await ends.atSource("looking up \(ends.vm)") { source throws(LibvirtError) in
        try await source.domain(.name(ends.vm.rawValue))
      }
      if here?.isActive != true { try image.release() }
      guard here?.isHere == true else { throw cause }
    }
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
          + error.description)
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
