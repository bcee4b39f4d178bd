import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// One attempt to move a machine, as those see it who wait for it.
struct MigrationCourse: Sendable {
  let order: MigrationOrder
  let control: OperationControl
  let progress: @Sendable (MigrationProgress) -> Void
  let began = ContinuousClock.now

  init(
    order: MigrationOrder, control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) {
    self.order = order
    self.control = control
    self.progress = progress
  }

  /// Tells that a phase has begun; `record`: everything of this machine is copied.
  func tell(_ phase: MigrationProgress.Phase, of record: DomainRecord? = nil) {
    let bytes = record.map { Int(clamping: $0.memory) * 1024 } ?? 0
    progress(
      MigrationProgress(
        vm: order.vm, task: order.task, destination: order.destination, phase: phase, totalBytes: bytes,
        doneBytes: bytes, elapsedSeconds: (ContinuousClock.now - began).inSeconds))
  }

  func cancelled(on host: HostName) -> HypervisorError {
    HypervisorError(.cancelled, "cancelled before the migration of \(order.vm) began; it runs on \(host)")
  }
}
