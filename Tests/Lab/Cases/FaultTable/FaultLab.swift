import Foundation
import TestSupport

/// The cluster in which cells of one scene are tried, one after another, as long as none of them is broken.
struct FaultLab {
  let lab: Lab
  let scene: FaultScene
  let job: Job

  /// - Parameter environment: beside that of the scene.
  static func up(_ scene: FaultScene, _ environment: [String: String]) async throws -> FaultLab {
    let lab = Lab(
      folder: try TemporaryFolder("migfra-faults"),
      environment: environment.merging(scene.environment) { own, _ in own })
    do {
      try await lab.must("up", "3")
      try await lab.must("services")
      for guest in scene.guests {
        try await lab.must(
          "start", guest.home, guest.name, "mem=\(guest.memory)", "fill=\(guest.memory - 16)",
          "ip=\(Lab.address(guest.number))")
      }
      for guest in scene.guests { try await lab.must("banner", "ctl", Lab.address(guest.number), "30") }
      try await eventually("report of all guests") {
        let text = try await lab.migfra("vms").text
        return scene.guests.allSatisfy { text.contains($0.name) }
      }
      let bus = try await LabBus(lab)
      let job = try await Job(lab, bus)
      try await bus.end()
      return FaultLab(lab: lab, scene: scene, job: job)
    } catch {
      _ = try await lab.run("down")
      throw error
    }
  }

  func down() async throws { _ = try await lab.run("down") }

  /// How fast memory is copied in a cell: slow enough to be met on its way.
  func limitLinks(_ rate: String) async throws {
    for host in Self.hosts { try await lab.must("rate", host, rate) }
  }

  static let hosts = ["node1", "node2", "node3"]

  /// Where a machine is defined or runs; a host that does not answer is an error.
  func places(of vm: String) async throws -> [Place] {
    try await lab.whereabouts(of: vm).map { text in
      let parts = text.split(separator: "/", maxSplits: 1)
      return Place(host: String(parts[0]), state: String(parts[1]))
    }
  }

  struct Place: Equatable, CustomStringConvertible {
    var host: String
    var state: String
    var description: String { "\(host)/\(state)" }
  }

  /// Keeps what one needs to see why a cell is broken.
  func keepLogs(in folder: String) throws {
    try? FileManager.default.removeItem(atPath: folder)  // of an earlier run, if there was one
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for host in ["ctl"] + Self.hosts {
      for program in ["mosquitto", "migfra-coordinator", "migfra-worker"] where !lab.log(program, on: host).isEmpty {
        try lab.log(program, on: host).write(
          toFile: "\(folder)/\(host).\(program).log", atomically: true, encoding: .utf8)
      }
    }
  }
}
