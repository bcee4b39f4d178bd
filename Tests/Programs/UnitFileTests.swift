import Foundation
import TestSupport
import Testing

@Suite("The units for systemd", .requiresSystemdAnalyze, .timeLimit(.minutes(10)))
struct UnitFileTests {
  /// The most that `systemd-analyze security` may find exposed, in tenths: 10 of 100 would be a program that can do nothing.
  private static let units: [(program: String, exposure: Int)] = [
    ("migfra-worker", 20), ("migfra-coordinator", 14), ("migfra-guest-agent", 26),
  ]

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "docker/systemd")

  /// The unit as it is shipped, with the program that was built.
  private func unit(_ program: String, in folder: TemporaryFolder) throws -> String {
    let file = Self.folder.appending(path: "\(program).service")
    let text = try String(contentsOf: file, encoding: .utf8)
    let shipped = "ExecStart=/usr/local/bin/\(program) "
    #expect(text.contains(shipped))
    try folder.write(
      text.replacing(shipped, with: "ExecStart=\(Programs.folder)/\(program) "), to: "\(program).service")
    return folder.file("\(program).service")
  }

  private func analyze(_ arguments: [String], _ folder: TemporaryFolder) async throws -> Programs.Output {
    let child = try ChildProcess(
      "/usr/bin/env", ["SYSTEMD_PAGER=cat", "systemd-analyze"] + arguments, output: folder.file("output"))
    return Programs.Output(status: try await child.wait(within: .seconds(60)), text: folder.read("output"))
  }

  @Test("systemd has nothing to say against them", arguments: 0..<3)
  func verify(_ index: Int) async throws {
    let folder = try TemporaryFolder()
    let unit = try unit(Self.units[index].program, in: folder)
    let output = try await analyze(["verify", unit], folder)
    #expect(output.status == 0 && !output.text.contains(Self.units[index].program), "\(output.text)")
  }

  @Test("what they leave exposed is little", arguments: 0..<3)
  func security(_ index: Int) async throws {
    let (program, exposure) = Self.units[index]
    let folder = try TemporaryFolder()
    let unit = try unit(program, in: folder)
    let output = try await analyze(["security", "--offline=true", "--threshold=\(exposure)", unit], folder)
    #expect(output.status == 0 && output.text.contains("Overall exposure level"), "\(output.text.suffix(3000))")
    let strict = try await analyze(["security", "--offline=true", "--threshold=1", unit], folder)
    #expect(strict.status != 0, "the limit is not looked at")
  }

  @Test("the command lines in them are understood", arguments: 0..<3)
  func commandLine(_ index: Int) async throws {
    let program = Self.units[index].program
    let folder = try TemporaryFolder()
    let text = try String(contentsOfFile: try unit(program, in: folder), encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
    try folder.write("communicator:\n  host: broker1\n", to: "migfra.conf")
    let arguments = line.split(separator: " ").dropFirst().map { word in
      word.hasPrefix("/etc/migfra/")
        ? folder.file("migfra.conf") : word == "${STATE_DIRECTORY}" ? folder.path : String(word)
    }
    let child = try Programs.start(program, arguments + ["--check-config"], output: folder.file("checked"))
    #expect(try await child.wait() == 0, "\(folder.read("checked"))")
  }
}

extension Trait where Self == ConditionTrait {
  static var requiresSystemdAnalyze: ConditionTrait {
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze"), "needs systemd-analyze")
  }
}
