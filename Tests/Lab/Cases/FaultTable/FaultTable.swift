import Foundation
import TestSupport

/// Phases of operations times faults, each tried on a cluster of real hosts.
struct FaultTable {
  let cells: [FaultCell]
  /// Where the lines go, one for each cell as it ends; nil: nowhere. Not to standard output, of which `swift test` lets
  /// nothing through before the tests end.
  let report: FileHandle?
  /// Where the logs of broken cells go, and the table.
  let folder = "\(Lab.repository)/.build/fault-table"

  /// Every cell there is, of phases and faults whose names begin with one of these; none: of all.
  init(phases: [String] = [], faults: [String] = [], report: FileHandle? = nil) {
    func isChosen(_ name: String, _ words: [String]) -> Bool { words.isEmpty || words.contains { name.hasPrefix($0) } }
    let all = FaultPhase.all.filter { isChosen($0.name, phases) }.flatMap { phase in
      Fault.allCases.filter { isChosen($0.rawValue, faults) && $0.exists(in: phase) }.map {
        FaultCell(phase: phase, fault: $0)
      }
    }
    self.init(cells: all, report: report)
  }

  init(cells: [FaultCell], report: FileHandle? = nil) {
    self.cells = cells
    self.report = report
  }

  /// Runs all cells and writes a line for each as it ends, and a last one.
  ///
  /// - Parameter lanes: how many labs there are at once; each takes the next cell of its kind when it is free.
  func run(lanes: Int = 1) async throws -> [FaultCell.Verdict] {
    let course = FaultCourse(cells)
    try await withThrowingTaskGroup { group in
      for _ in 0..<lanes {
        group.addTask { try await runLane(course) }
      }
      try await group.waitForAll()
    }
    let verdicts = await course.verdicts
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try markdown(verdicts).write(toFile: "\(folder)/table.md", atomically: true, encoding: .utf8)
    try say(closing(verdicts))
    return verdicts
  }

  /// Cell after cell in one lab; it is made anew after a broken one, and for another kind.
  private func runLane(_ course: FaultCourse) async throws {
    var current: (kind: String, lab: FaultLab)?
    while let (number, cell) = await course.next(like: current?.kind) {
      if let lab = current?.lab, current?.kind != cell.kindOfLab {
        try await lab.down()
        current = nil
      }
      let verdict: FaultCell.Verdict
      do {
        let lab =
          if let current { current.lab } else { try await FaultLab.up(cell.phase.scene, cell.fault.environment) }
        current = (cell.kindOfLab, lab)
        verdict = await cell.run(in: lab, number: number)
      } catch {
        verdict = FaultCell.Verdict(cell: cell, duration: .zero, answer: "", flaws: ["no lab: \(error)"])
      }
      let count = await course.keep(verdict)
      try say(line(verdict, count))
      if verdict.isBroken, let lab = current?.lab {
        try lab.keepLogs(in: "\(folder)/\(cell.phase.name.replacing("/", with: "-"))-\(cell.fault.rawValue)")
        try await lab.down()
        current = nil
      }
    }
    try await current?.lab.down()
  }

  /// For docs/reliability.md: what the operation's answer was in each cell, and which are broken.
  private func markdown(_ verdicts: [FaultCell.Verdict]) -> String {
    let faults = Fault.allCases.filter { fault in verdicts.contains { $0.cell.fault == fault } }
    let phases = FaultPhase.all.map(\.name).filter { name in verdicts.contains { $0.cell.phase.name == name } }
    func row(_ words: [String]) -> String { "| \(words.joined(separator: " | ")) |\n" }
    var text =
      row([""] + faults.map { $0.rawValue.replacing("-", with: " ") }) + row(["---"] + faults.map { _ in "---" })
    for phase in phases {
      text += row(
        [phase]
          + faults.map { fault in
            guard let verdict = verdicts.first(where: { $0.cell.phase.name == phase && $0.cell.fault == fault }) else {
              return ""
            }
            return verdict.isBroken ? "**broken**" : verdict.status
          })
    }
    return text
  }

  private func line(_ verdict: FaultCell.Verdict, _ number: Int) -> String {
    let seconds = Double(verdict.duration.components.seconds) + Double(verdict.duration.components.attoseconds) / 1e18
    let head = [
      "\(number)/\(cells.count)", verdict.cell.phase.name, verdict.cell.fault.rawValue,
      verdict.isBroken ? "BROKEN" : "whole",
      "\(Int(seconds.rounded())) s", "answer: \(verdict.status)",
    ]
    let widths = [8, 23, 21, 7, 6, 0]
    let columns = zip(head, widths).map { text, width in
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    return ([columns.joined(separator: " ")] + verdict.flaws.map { "        \($0.replacing("\n", with: " | "))" })
      .joined(separator: "\n")
  }

  private func closing(_ verdicts: [FaultCell.Verdict]) -> String {
    "\(verdicts.count) cells run, \(verdicts.count { $0.isBroken }) broken"
  }

  private func say(_ line: String) throws { try report?.write(contentsOf: Data((line + "\n").utf8)) }
}
