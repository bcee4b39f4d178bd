import Foundation
import TestSupport
import Testing

/// A cluster of real hosts on this machine for one test: its own folder, names, addresses; ended with `down`.
///
/// A thin hand on `Tests/Lab/lab`: what a test needs to say is said in the test.
struct Lab {
  let folder: TemporaryFolder
  /// More for `lab`: LAB_MEMORY.
  var environment: [String: String] = [:]

  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  /// Runs `body` in a cluster with broker, coordinator and workers, and takes the cluster down in any case.
  ///
  /// - Parameter deviceHosts: how many vnodes it has beside the hosts.
  static func with(
    hosts: Int = 3, deviceHosts: Int = 0, environment: [String: String] = [:], _ body: (Lab) async throws -> Void
  ) async throws {
    try await LabSlots.holding(1 + deviceHosts) {
      try await Lab(folder: try TemporaryFolder("migfra-lab"), environment: environment).during(
        hosts: hosts, deviceHosts: deviceHosts, body)
    }
  }

  private func during(hosts: Int, deviceHosts: Int, _ body: (Lab) async throws -> Void) async throws {
    do {
      try await must("up", "\(hosts)")
      try await withThrowingTaskGroup { group in
        for number in 0..<deviceHosts {
          group.addTask { _ = try await must("vfio", "\(number + 1)", within: .seconds(240)) }
        }
        try await group.waitForAll()
      }
      try await must("services")
      try await body(self)
    } catch {
      showLogs()
      _ = try await run("down")
      throw error
    }
    _ = try await run("down")
  }

  /// Two hosts of 200 MiB: vm1 of 128 MiB is on node1, vm2 of 96 MiB on node2, and none fits beside the other.
  static func withFullHosts(rate: String? = nil, _ body: (Lab, LabBus) async throws -> Void) async throws {
    try await with(hosts: 2, environment: ["LAB_MEMORY": "\(200 * 1024)"]) { lab in
      try await lab.must("start", "node2", "vm2", "mem=96", "fill=64", "ip=\(address(2))")
      try await lab.startGuests(1, on: "node1", "mem=128", "fill=64")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      if let rate { for host in ["node1", "node2"] { try await lab.must("rate", host, rate) } }
      try await body(lab, try await LabBus(lab))
    }
  }

  /// `lab ARGUMENTS`; standard output and error together.
  func run(_ arguments: String..., within limit: Duration = .seconds(120)) async throws -> Programs.Output {
    try await run(arguments, within: limit)
  }

  func run(_ arguments: [String], within limit: Duration = .seconds(120)) async throws -> Programs.Output {
    let output = folder.file("output-\(UUID().uuidString)")
    let child = try start(arguments, output: output)
    let status = try await child.wait(within: limit)
    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    try? FileManager.default.removeItem(atPath: output)  // the folder goes anyway
    return Programs.Output(status: status, text: text)
  }

  @discardableResult
  func must(_ arguments: String..., within limit: Duration = .seconds(120)) async throws -> String {
    let output = try await run(arguments, within: limit)
    guard output.status == 0 else {
      throw LabError(description: "lab \(arguments.joined(separator: " ")): exit \(output.status): \(output.text)")
    }
    return output.text
  }

  /// `lab ARGUMENTS` in the background.
  func start(_ arguments: [String], output: String) throws -> ChildProcess {
    let variables =
      ["LAB_STATE=\(folder.path)/state", "MIGFRA_BIN=\(Programs.folder)"] + environment.map { "\($0)=\($1)" }
    return try ChildProcess(
      "/usr/bin/env", variables + ["\(Self.repository)/Tests/Lab/lab"] + arguments, output: output)
  }

  // MARK: - Guests

  static func address(_ number: Int) -> String { "10.77.1.\(number)" }

  /// Starts guests vm1…vmN on a host and waits until each answers.
  func startGuests(_ count: Int, on host: String, _ settings: String...) async throws {
    for number in 1...count {
      try await mustRun(["start", host, "vm\(number)", "ip=\(Self.address(number))"] + settings)
    }
    for number in 1...count { try await must("banner", "ctl", Self.address(number), "30") }
    try await eventually("report of \(count) machines on \(host)") {
      try await migfra("vms", "--host", host).text.components(separatedBy: "running").count > count
    }
  }

  private func mustRun(_ arguments: [String]) async throws {
    let output = try await run(arguments)
    guard output.status == 0 else { throw LabError(description: "lab \(arguments): \(output.text)") }
  }

  /// `virsh ARGUMENTS` with a host's libvirt, run on ctl.
  func virsh(_ host: String, _ arguments: String...) async throws -> String { try await virsh(host, arguments) }

  func virsh(_ host: String, _ arguments: [String]) async throws -> String {
    let output = try await run(["exec", "ctl", "virsh", "-q", "-c", "qemu+tcp://\(host)/system"] + arguments)
    guard output.status == 0 else { throw LabError(description: "virsh \(arguments) on \(host): \(output.text)") }
    return output.text
  }

  /// Where libvirt has the machine, on any host: "node2/running".
  func whereabouts(of vm: String, hosts: Int = 3) async throws -> [String] {
    var found: [String] = []
    for number in 1...hosts {
      let list = try await must("exec", "node\(number)", "virsh", "-q", "list", "--all")
      for line in list.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 2).map { $0.trimmingCharacters(in: .whitespaces) }
        if words.count == 3, words[1] == vm { found.append("node\(number)/\(words[2])") }
      }
    }
    return found
  }

  // MARK: - Programs

  func migfra(_ arguments: String...) async throws -> Programs.Output {
    try await run(
      ["exec", "ctl", "env", "MIGFRA_BROKER=ctl:1883", "timeout", "60", "\(Programs.folder)/migfra"] + arguments)
  }

  /// Kills a program of a host with SIGKILL, or asks it with another signal to end, by its process id there.
  func kill(_ program: String, on host: String, with signal: String = "KILL") async throws {
    try await must("exec", host, "kill", "-\(signal)", processID(program, on: host))
  }

  func processID(_ program: String, on host: String) throws -> String {
    try String(contentsOfFile: "\(folder.path)/state/\(host)/\(program).pid", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func log(_ program: String, on host: String) -> String {
    (try? String(contentsOfFile: "\(folder.path)/state/\(host)/\(program).log", encoding: .utf8)) ?? ""
  }

  /// Starts a program of a host again after it was killed.
  func restart(_ program: String, on host: String) async throws {
    let files = "\(folder.path)/state/\(host)"
    let id = try await must(
      "spawn", host, "sh", "-c", "exec \"$0\" --config \"$1\" >>\"$2\" 2>&1", "\(Programs.folder)/\(program)",
      "\(files)/migfra.yaml", "\(files)/\(program).log")
    try id.write(toFile: "\(files)/\(program).pid", atomically: true, encoding: .utf8)
  }

  private func showLogs() {
    for host in ["ctl", "node1", "node2", "node3", "vnode1", "vnode2"] {
      for program in ["migfra-coordinator", "migfra-worker"] where !log(program, on: host).isEmpty {
        print("--- \(program) on \(host)\n\(log(program, on: host).suffix(4000))")
      }
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// The test needs namespaces, libvirt and QEMU; `lab doctor` says what is missing.
  static var requiresLab: ConditionTrait {
    .enabled("needs a lab: run Tests/Lab/lab doctor to see what is missing") { try await LabDoctor.shared.isContent() }
  }
}

/// Asks `lab doctor` once for all tests.
actor LabDoctor {
  static let shared = LabDoctor()
  private var answer: Bool?

  func isContent() async throws -> Bool {
    if let answer { return answer }
    let folder = try TemporaryFolder("migfra-doctor")
    let child = try ChildProcess("\(Lab.repository)/Tests/Lab/lab", ["doctor"], output: folder.file("doctor"))
    let isContent = try await child.wait() == 0
    if !isContent { print(folder.read("doctor")) }
    answer = isContent
    return isContent
  }
}

/// A command of the lab failed.
struct LabError: Error, CustomStringConvertible {
  let description: String
}
