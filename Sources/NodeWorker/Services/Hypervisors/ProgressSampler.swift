import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// Turns libvirt's job statistics into what people watch.
struct ProgressSampler {
  private let order: MigrationOrder
  private let phase: MigrationProgress.Phase
  private var previous: (bytes: UInt64, elapsed: Duration)?

  init(_ order: MigrationOrder, _ phase: MigrationProgress.Phase) {
    self.order = order
    self.phase = phase
  }

  mutating func sample(_ job: JobRecord, elapsed: Duration) -> MigrationProgress {
    var rate = job.memoryBps ?? 0
    if rate == 0, let previous, elapsed > previous.elapsed, job.dataProcessed >= previous.bytes {
      rate = UInt64(Double(job.dataProcessed - previous.bytes) / (elapsed - previous.elapsed).inSeconds)
    }
    previous = (job.dataProcessed, elapsed)
    let remaining = Int(clamping: job.dataRemaining)
    return MigrationProgress(
      vm: order.vm, task: order.task, destination: order.destination, phase: phase,
      totalBytes: Int(clamping: job.dataTotal), doneBytes: Int(clamping: job.dataTotal) - remaining,
      remainingBytes: remaining, rate: Int(clamping: rate), dirtyRate: job.dirtyBytesPerSecond.map(Int.init(clamping:)),
      elapsedSeconds: elapsed.inSeconds, remainingSeconds: rate > 0 ? Double(remaining) / Double(rate) : nil)
  }
}
