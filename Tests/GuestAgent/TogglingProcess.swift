import Foundation
import Glibc
import TestSupport
import Testing

@testable import GuestAgentServices

/// A process that takes signals as one of ParaStation MPI does, and a view of the processes in which it stands.
final class TogglingProcess: Sendable {
  /// What it does with the signal that its environment names.
  enum Manner {
    /// Counts it, and goes on.
    case counts
    /// Does not catch it: the signal would end it.
    case ignoresVariable
    /// Ends with it.
    case ends
    /// A job's script: catches all signals to tidy up, and ends with the first.
    case isScript
  }

  static let interpreter = "/usr/bin/perl"

  let child: ChildProcess
  private let folder: TemporaryFolder

  var pid: Int32 { child.id }
  /// How many signals it has taken.
  var count: Int { folder.read("signals").split(separator: "\n").count }
  /// Whether a script has got as far as to catch signals.
  var isReady: Bool { folder.read("ready") == "yes\n" }

  /// Waits until it would take a signal.
  func untilCatching() async throws {
    try await eventually("process that catches its signal") { ProcessTable().observe(pid) != nil }
  }

  /// Returns when it stands still: a signal with a smaller number that came before would be taken first.
  func stop() async throws {
    child.signal(SIGSTOP)
    try await eventually("process that stands still") {
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      return status.contains("State:\tT")
    }
  }

  init(_ manner: Manner = .counts, in view: ProcessView) throws {
    folder = try TemporaryFolder()
    // In short steps: the interpreter only notes a signal that comes just before it sleeps.
    let wait = "select undef, undef, undef, 0.05 while 1"
    let command =
      switch manner {
      case .counts:
        [Self.interpreter, "-e", "$SIG{USR1} = sub { open F, '>>signals'; print F qq(taken\\n); close F }; \(wait)"]
      case .ignoresVariable: [Self.interpreter, "-e", wait]
      case .ends: [Self.interpreter, "-e", "$SIG{USR1} = sub { exit 0 }; \(wait)"]
      // Waits by itself for what never comes, so that nothing is left of it when it is killed.
      case .isScript: ["bash", "-c", "mkfifo gate; trap 'rm -f scratch' EXIT; echo yes > ready; read <> gate"]
      }
    child = try ChildProcess("/usr/bin/env", ["-C", folder.path, "PSP_SIGSUSPEND=10"] + command)
    try view.show(child.id)
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips where there is nothing to make such a process of, and says so.
  static var requiresTogglingProcesses: Self {
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: TogglingProcess.interpreter),
      "needs \(TogglingProcess.interpreter) (apt install perl-base)")
  }
}

/// A folder in place of /proc that shows some processes only, so that tests do not see each other's.
final class ProcessView: Sendable {
  private let folder: TemporaryFolder
  var path: String { folder.path }

  init() throws {
    folder = try TemporaryFolder("proc")
    try FileManager.default.createSymbolicLink(atPath: folder.file("sys"), withDestinationPath: "/proc/sys")
  }

  func show(_ pid: Int32) throws {
    try FileManager.default.createSymbolicLink(atPath: folder.file("\(pid)"), withDestinationPath: "/proc/\(pid)")
  }

  /// Shows a process that is not there.
  func show(_ pid: Int32, environment: String, stat: String, status: String, program: String = "/bin/rank") throws {
    try FileManager.default.createDirectory(atPath: folder.file("\(pid)"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: folder.file("\(pid)/exe"), withDestinationPath: program)
    try folder.write(environment, to: "\(pid)/environ")
    try folder.write(stat, to: "\(pid)/stat")
    try folder.write(status, to: "\(pid)/status")
  }
}
