import Foundation
import TestSupport

/// Two processes of an MPI job and the real guest agent, as they would run inside the guest vm1.
///
/// The lab's guests have no operating system, so they run on ctl. Each process toggles with every signal, as those of
/// ParaStation MPI do.
struct Job {
  let lab: Lab
  /// The processes' numbers on ctl, as the agent announces them.
  let processes: [String]

  private static let script =
    "open F, '>>', $ARGV[0]; select F; $| = 1; $SIG{USR1} = sub { print F qq(toggle\\n) }; sleep 60 while 1"

  init(_ lab: Lab, _ bus: LabBus) async throws {
    self.lab = lab
    let folder = "\(lab.folder.path)/state/ctl"
    var processes: [String] = []
    for number in 1...2 {
      let id = try await lab.must(
        "spawn", "ctl", "env", "PSP_SIGSUSPEND=10", "perl", "-e",
        Self.script,
        "\(folder)/process\(number)")
      processes.append(id.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    self.processes = processes
    try await lab.must(
      "spawn", "ctl", "\(Programs.folder)/migfra-guest-agent", "--broker", "ctl:1883", "--vm-name", "vm1",
      "--state-directory", "\(folder)/agent")
    try await eventually("announcements of both processes") {
      Set(bus.messages.filter { $0.topic.hasPrefix("fast/pscom/vm1/") && $0.topic.hasSuffix("/state") }.map(\.topic))
        .count == 2
    }
  }

  /// How often each process was toggled.
  var toggles: [Int] {
    (1...2).map { number in
      let text = try? String(contentsOfFile: "\(lab.folder.path)/state/ctl/process\(number)", encoding: .utf8)
      return text?.split(separator: "\n").count ?? 0
    }
  }

  /// None of them stands still; they may never have done so.
  var isGoingOn: Bool { toggles.allSatisfy { $0 % 2 == 0 } }

  /// Each runs, and has not done so all the time: it was suspended as often as resumed.
  var isRunning: Bool { toggles.allSatisfy { $0 > 0 && $0 % 2 == 0 } }
}
