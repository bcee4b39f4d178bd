import ClusterModel
import Foundation
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// What becomes of a machine that was saved for its migration.
extension LibvirtHypervisor {
  /// From the image to the destination, or back.
  func restore(
    _ image: String, _ ends: MigrationEnds, _ here: DomainRecord?, _ moved: MovedVM, _ course: MigrationCourse
  ) async throws(HypervisorError) -> MovedVM {
    var moved = moved
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
      try await restore(image, at: ends, defining: definition)
    } catch {
      // Whoever ordered the stage knows whether there is room for it here.
      throw ends.order.tuning.offlineStage == nil ? await takeBack(image, ends, after: error) : error
    }
    moved.times.append(TimeMeasurement("restore", seconds: (ContinuousClock.now - began).inSeconds))
    course.tell(.verifying)
    return try await finish(ends, here, image: image, moved)
  }

  private func restore(
    _ image: String, at ends: MigrationEnds, defining definition: String?
  ) async throws(HypervisorError) {
    let destination = ends.order.destination
    var description: String?
    if let map = ends.order.tuning.vcpuMap {
      let saved = try await ends.atSource("reading \(image)") { source throws(LibvirtError) in
        try await source.savedDescription(in: image)
      }
      description = try MigrationEnds.pinned(saved, to: map)
    }
    if let definition {
      try await ends.atDestination("defining \(ends.vm)") { peer throws(LibvirtError) in
        _ = try await peer.define(xml: definition)
      }
    }
    do throws(LibvirtError) {
      try await ends.destination.restore(from: image, as: description)
    } catch {
      // What counts is where it runs.
      let there = try await ends.atDestination("looking up \(ends.vm)") { peer throws(LibvirtError) in
        try await peer.domain(.name(ends.vm.rawValue))
      }
      if there?.isHere == true { return }
      var told = HypervisorError(error, while: "restoring \(ends.vm) from \(image) on \(destination)")
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
    _ image: String, _ ends: MigrationEnds, after error: HypervisorError
  ) async -> HypervisorError {
    guard error.code != .inDoubt else { return error }
    var told = error
    do throws(LibvirtError) {
      // The destination may have it after all, and no longer answer: only one that is known not to run there is started.
      let there = try await ends.destination.domain(.name(ends.vm.rawValue))
      guard there?.isActive != true else {
        return HypervisorError(
          .inDoubt,
          "\(error.description); \(ends.order.destination) holds \(ends.vm) in some state; it is kept in \(image)")
      }
      try await ends.source.restore(from: image)
      told.description += "; it runs on \(host) again"
      do throws(HypervisorError) { try remove(image) } catch { told.description += "; \(error.description)" }
    } catch {
      told.code = .inDoubt
      told.mayPass = false
      told.description +=
        "; it does not run, and could not be taken back (\(error.message)): it is kept in \(image), 'virsh restore' starts it"
    }
    return told
  }

  /// It runs at the destination: nothing of it stays here.
  func finish(
    _ ends: MigrationEnds, _ here: DomainRecord?, image: String?, _ moved: MovedVM
  ) async throws(HypervisorError) -> MovedVM {
    var moved = moved
    let there: DomainRecord?
    do throws(HypervisorError) { there = try await ends.look(.name(ends.vm.rawValue)).there } catch {
      guard let image, ends.order.tuning.offlineStage == nil else { throw error }
      throw HypervisorError(
        .inDoubt,
        "\(ends.vm) was restored on \(ends.order.destination), and is still kept in \(image): \(error.description)")
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
      do throws(HypervisorError) { try remove(image) } catch { moved.remarks.append(error.description) }
    }
    return moved
  }

  func remove(_ image: String) throws(HypervisorError) {
    do {
      try FileManager.default.removeItem(atPath: image)
    } catch {
      throw HypervisorError(.hypervisor, "\(image) on \(host) could not be removed: \(error.localizedDescription)")
    }
  }
}
