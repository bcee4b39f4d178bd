import Foundation
import TestSupport
import Testing

/// Phases times faults: docs/reliability.md.
@Suite("The fault table", .serialized, .requiresLab)
struct FaultTableTests {
  private static let environment = ProcessInfo.processInfo.environment

  private static func words(_ name: String) -> [String] {
    (environment[name] ?? "").split(separator: ",").map(String.init)
  }

  @Test("The most different of its cells", .timeLimit(.minutes(10)))
  func shortened() async throws {
    let cells = [
      ("live/copying", Fault.libvirtdAtDestination), ("offline/restoring", .workerAtSource),
      ("evacuation/first", .broker), ("evacuation/first", .workerAtSource), ("evacuation/last", .coordinator),
    ].compactMap { name, fault in
      FaultPhase.all.first { $0.name == name }.map { FaultCell(phase: $0, fault: fault) }
    }
    #expect(cells.count == 5)
    try await LabSlots.holding {
      for verdict in try await FaultTable(cells: cells).run() {
        #expect(verdict.flaws == [], "\(verdict.cell.phase.name), \(verdict.cell.fault.rawValue): \(verdict.answer)")
      }
    }
  }

  /// `make test-faults`, which reads the lines from the file that `FAULT_TABLE` names.
  @Test("All of its cells", .enabled(if: environment["FAULT_TABLE"] != nil, "make test-faults runs them"))
  func whole() async throws {
    let path = Self.environment["FAULT_TABLE"] ?? ""
    let report = try #require(FileHandle(forWritingAtPath: path), "FAULT_TABLE is no file for the lines: \(path)")
    let table = FaultTable(phases: Self.words("PHASES"), faults: Self.words("FAULTS"), report: report)
    try #require(!table.cells.isEmpty, "no phase and fault of these names")
    let lanes = Int(Self.environment["LANES"] ?? "") ?? 0
    try #require(lanes > 0, "LANES is no number of labs")
    for verdict in try await table.run(lanes: lanes) {
      #expect(!verdict.isBroken, "\(verdict.cell.phase.name), \(verdict.cell.fault.rawValue)")
    }
  }
}
