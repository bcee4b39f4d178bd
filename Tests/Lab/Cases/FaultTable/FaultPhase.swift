import Foundation
import TestSupport

/// A moment of an operation: how the operation is begun, and how one sees that it has come so far.
struct FaultPhase: Sendable {
  /// "live/copying".
  let name: String
  let scene: FaultScene
  /// What comes after the id, on node1's topic.
  let task: String
  /// The machine that the phase is about, once it has begun.
  let begun: @Sendable (Lab, LabBus) throws -> String?
  /// Whose QEMU there is at either end.
  let atSource: Process
  let atDestination: Process
  /// By host: the machine that is in its image then, so that the end of the host is not its end.
  var kept: [String: String] = [:]

  enum Process: Sendable {
    case none
    /// The machine itself: it dies with the process.
    case machine(String? = nil)
    /// Only what is to become its copy, or is one.
    case copy
  }

  static let all: [FaultPhase] = [
    migration("live", "suspending", .machine(), .none) { _, bus in
      bus.hasAsked("suspend") ? "vm1" : nil
    },
    migration("live", "copying", .machine(), .copy) { _, bus in bus.vms(in: "copying").first },
    migration("live", "resuming", .none, .machine()) { _, bus in bus.hasAsked("resume") ? "vm1" : nil },
    migration("warm", "copying", .machine(), .copy) { _, bus in bus.vms(in: "copying").first },
    migration("offline", "saving", .machine(), .none) { lab, _ in try lab.images().isEmpty ? nil : "vm1" },
    migration("offline", "restoring", .none, .machine(), kept: ["node1": "vm1"]) { _, bus in
      bus.vms(in: "restoring").first
    },
    swap(.pair, "swap/copying", .machine("vm1"), .copy) { _, bus in bus.vms(in: "copying").count == 2 ? "vm1" : nil },
    swap(.fullPair, "storage-swap/saving", .machine("vm1"), .machine("vm2")) { lab, _ in
      try lab.images().isEmpty ? nil : "vm2"
    },
    swap(.fullPair, "storage-swap/copying", .machine("vm1"), .copy, kept: ["node1": "vm2", "node2": "vm2"]) { _, bus in
      bus.vms(in: "copying").contains("vm1") ? "vm1" : nil
    },
    swap(.fullPair, "storage-swap/restoring", .machine("vm2"), .machine("vm1"), kept: ["node2": "vm2"]) { _, bus in
      bus.vms(in: "restoring").contains("vm2") ? "vm2" : nil
    },
    evacuation("first") { _, bus in bus.vms(in: "copying").first },
    evacuation("last") { _, bus in
      let moving = bus.vms(in: "copying")
      return moving.count == 3 ? moving.last : nil
    },
  ]

  private static func migration(
    _ type: String, _ step: String, _ atSource: Process, _ atDestination: Process,
    kept: [String: String] = [:], _ begun: @escaping @Sendable (Lab, LabBus) throws -> String?
  ) -> FaultPhase {
    FaultPhase(
      name: "\(type)/\(step)", scene: .one,
      task:
        "task: migrate vm\nvm-name: vm1\ndestination: node2\nparameter: {migration-type: \(type), pscom-hook-procs: 2}\n",
      begun: begun, atSource: atSource, atDestination: atDestination, kept: kept)
  }

  private static func swap(
    _ scene: FaultScene, _ name: String, _ atSource: Process, _ atDestination: Process,
    kept: [String: String] = [:], _ begun: @escaping @Sendable (Lab, LabBus) throws -> String?
  ) -> FaultPhase {
    FaultPhase(
      name: name, scene: scene,
      task: "task: migrate vm\nvm-name: vm1\ndestination: node2\nparameter: {swap-with: vm2, pscom-hook-procs: 2}\n",
      begun: begun, atSource: atSource, atDestination: atDestination, kept: kept)
  }

  private static func evacuation(
    _ step: String, _ begun: @escaping @Sendable (Lab, LabBus) throws -> String?
  ) -> FaultPhase {
    FaultPhase(
      name: "evacuation/\(step)", scene: .three,
      task: "task: evacuate node\ndestinations: [node2, node3]\nparameter: {mode: compact, pscom-hook-procs: auto}\n",
      begun: begun, atSource: .machine(), atDestination: .copy)
  }
}

extension LabBus {
  /// The machines of which this phase was told, in order.
  func vms(in phase: String) -> [String] {
    var found: [String] = []
    for message in messages where message.topic.hasSuffix("/progress") && message.text.contains("phase: \(phase)\n") {
      let name = message.text.firstMatch(of: /vm-name: (\S+)/).map { String($0.output.1) } ?? "?"
      if !found.contains(name) { found.append(name) }
    }
    return found
  }

  /// Whether a worker has asked the processes of vm1's job.
  func hasAsked(_ request: String) -> Bool {
    messages.contains {
      $0.topic.hasPrefix("fast/pscom/vm1/") && $0.topic.hasSuffix("/request") && $0.text.hasPrefix("task: \(request)")
    }
  }
}

extension Lab {
  /// What offline migrations and exchanges have saved.
  func images() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/state/shared")
  }
}
