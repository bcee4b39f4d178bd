import Foundation
import TestSupport

/// What strikes, and how it passes. A program that is killed is started again by `lab tend`, as a site's service manager
/// would do it.
enum Fault: String, CaseIterable, Sendable {
  case workerAtSource = "worker-source"
  case workerAtDestination = "worker-destination"
  case coordinator
  case broker
  case libvirtdAtSource = "libvirtd-source"
  case libvirtdAtDestination = "libvirtd-destination"
  case qemuAtSource = "qemu-source"
  case qemuAtDestination = "qemu-destination"
  case linkOfSource = "link-source"
  case linkOfDestination = "link-destination"
  case powerOfSource = "power-source"
  case powerOfDestination = "power-destination"
  case diskOfSource = "disk-source"
  case diskOfDestination = "disk-destination"
  case diskOfCoordinator = "disk-coordinator"

  /// The host that it strikes.
  var host: String {
    switch self {
    case .workerAtSource, .libvirtdAtSource, .qemuAtSource, .linkOfSource, .powerOfSource, .diskOfSource: "node1"
    case .workerAtDestination, .libvirtdAtDestination, .qemuAtDestination, .linkOfDestination, .powerOfDestination,
      .diskOfDestination:
      "node2"
    case .coordinator, .broker, .diskOfCoordinator: "ctl"
    }
  }

  var isOfPower: Bool { self == .powerOfSource || self == .powerOfDestination }

  /// The power's end takes a disk in memory with it, so only those have one whose disk is filled.
  var environment: [String: String] {
    switch self {
    case .diskOfSource, .diskOfDestination, .diskOfCoordinator: ["LAB_DISK": "8"]
    default: [:]
    }
  }

  /// Whether there is anything to be struck in this phase.
  func exists(in phase: FaultPhase) -> Bool {
    process(in: phase).map { if case .none = $0 { false } else { true } } ?? true
  }

  /// The QEMU that it kills.
  private func process(in phase: FaultPhase) -> FaultPhase.Process? {
    switch self {
    case .qemuAtSource: phase.atSource
    case .qemuAtDestination: phase.atDestination
    default: nil
    }
  }

  /// The machine that this ends, and that nothing can keep running.
  func victim(in phase: FaultPhase, of vm: String) -> String? {
    guard case .machine(let name)? = process(in: phase) else { return nil }
    return name ?? vm
  }

  /// The program whose disk it fills.
  private var program: String { host == "ctl" ? "migfra-coordinator" : "migfra-worker" }

  /// Strikes while the phase is about `vm`.
  func strike(_ lab: Lab, _ phase: FaultPhase, _ vm: String) async throws {
    switch self {
    case .workerAtSource, .workerAtDestination: try await lab.must("kill", host, "migfra-worker")
    case .coordinator: try await lab.must("kill", host, "migfra-coordinator")
    case .broker: try await lab.must("kill", host, "mosquitto")
    case .libvirtdAtSource, .libvirtdAtDestination: try await lab.must("daemon", host, "kill")
    case .qemuAtSource, .qemuAtDestination: try await lab.must("kill", host, victim(in: phase, of: vm) ?? vm)
    case .linkOfSource, .linkOfDestination: try await lab.must("link", host, "down")
    case .powerOfSource, .powerOfDestination: try await lab.must("crash", host)
    case .diskOfSource, .diskOfDestination, .diskOfCoordinator: try await lab.must("disk", host, "full")
    }
  }

  /// How often the program whose disk it fills has complained so far.
  func complaints(_ lab: Lab) -> Int { lab.log(program, on: host).components(separatedBy: "disk is full").count }

  /// Lets it last until it is noticed, and ends it as somebody would who knows nothing of us.
  ///
  /// - Parameter complaints: there were before it struck.
  func pass(_ lab: Lab, _ bus: LabBus, after complaints: Int, isAnswered: () -> Bool) async throws {
    switch self {
    case .linkOfSource, .linkOfDestination, .powerOfSource, .powerOfDestination:
      try await lab.tended("word that \(host) is gone") {
        bus.messages.last { $0.topic == "fast/migfra/\(host)/state" }?.text.contains("status: offline") == true
      }
      if isOfPower { try await lab.must("boot", host) } else { try await lab.must("link", host, "up") }
    case .diskOfSource, .diskOfDestination, .diskOfCoordinator:
      try await lab.tended("answer, or complaint of a full disk") {
        isAnswered() || self.complaints(lab) > complaints
      }
      try await lab.must("disk", host, "free")
    default: break
    }
  }
}

extension Lab {
  /// Waits as `eventually` does, and lets the service managers work meanwhile.
  func tended<Value>(
    _ what: String, within limit: Duration = .seconds(60), _ probe: () async throws -> Value?
  ) async throws -> Value {
    try await eventually(what, within: limit) {
      try await must("tend")
      return try await probe()
    }
  }

  func tended(_ what: String, within limit: Duration = .seconds(60), holds condition: () async throws -> Bool)
    async throws
  {
    try await tended(what, within: limit) { try await condition() ? () : nil }
  }
}
