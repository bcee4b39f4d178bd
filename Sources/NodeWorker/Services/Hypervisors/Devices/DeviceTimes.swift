import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// How long devices took to be taken off and given back, as a task's answer tells it.
struct DeviceTimes: Sendable, Equatable {
  private var durations: [(tag: String, duration: Duration)] = []

  static func == (one: DeviceTimes, other: DeviceTimes) -> Bool { one.measurements == other.measurements }

  /// Seconds by tag, in the order of events; tags of what did not happen are left out.
  var measurements: [TimeMeasurement] {
    durations.map { TimeMeasurement($0.tag, seconds: $0.duration.inSeconds) }
  }

  mutating func add(_ duration: Duration, detaching device: MovableDevice) {
    add(duration, device.id == nil ? "detach-ivshmem-devs" : "detach-pci-devs")
  }

  mutating func add(_ duration: Duration, attaching device: MovableDevice) {
    add(duration, device.id == nil ? "reattach-ivshmem-devs" : "reattach-pci-devs")
  }

  private mutating func add(_ duration: Duration, _ tag: String) {
    if let index = durations.firstIndex(where: { $0.tag == tag }) {
      durations[index].duration += duration
    } else {
      durations.append((tag, duration))
    }
  }
}
