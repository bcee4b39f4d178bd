import ClusterModel
import Foundation
import MigfraProtocol

/// Shows a plan, then its progress, then its end.
///
/// On a terminal the lines of what is under way are drawn again in place, below those of what is done. Elsewhere each
/// change is one line, and what is under way a line every two seconds, so that a log stays readable.
struct OperationDisplay {
  /// The last report that was seen.
  private(set) var latest: PlanReport?
  private let isQuiet: Bool
  private let isTerminal: Bool
  private var drawnLines = 0
  /// By the number of the move in the plan.
  private var shown: [Int: PlanReport.Move.State] = [:]
  private var lastProgress = ContinuousClock.now

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    isTerminal = isatty(STDOUT_FILENO) == 1
  }

  mutating func show(_ report: PlanReport) {
    let isFirst = latest == nil
    latest = report
    guard !isQuiet else { return }
    if isFirst { print(Self.plan(report)) }
    guard report.state != .planned, !report.moves.isEmpty, !(isFirst && report.state == .failed) else { return }
    if isTerminal { redraw(report) } else { printChanges(report) }
  }

  mutating func finish(_ result: TaskResult) {
    guard !isQuiet else { return }
    if latest == nil {
      return warn("\(result.details ?? result.title.rawValue)\(result.code.map { " (\($0.rawValue))" } ?? "")")
    }
    guard let report = latest else { return }
    finish(report)
    guard report.state == .partial || report.state == .failed else { return }
    for entry in result.entries where !entry.isSuccess { print("  \(entry.vm): \(entry.details ?? "")") }
  }

  /// The end as whoever watches sees it.
  func finish(_ report: PlanReport) {
    if !isQuiet { print("\n\(Self.end(of: report))") }
  }

  private static func end(of report: PlanReport) -> String {
    let what = report.operation.subject
    let are = report.request?.sources.count ?? 1 > 1 ? "are" : "is"
    return switch report.state {
    case .planned:
      report.unplaced.isEmpty
        ? "Dry run: this plan can be carried out"
          + (report.request == nil ? "." : ": migfra plan apply \(report.id)") : "Dry run: not everything has a place."
    case .drained: "\(what) \(are) DRAINED: \(report.reason) in \(SizeText.seconds(report.seconds))."
    case .done: "\(what): DONE: \(report.reason) in \(SizeText.seconds(report.seconds))."
    case .cancelled: "\(what): \(report.reason)."
    case .partial, .failed, .draining, .running, .paused, .cancelling:
      report.request == nil
        ? "\(what): \(report.state.rawValue): \(report.reason)."
        : "\(what) \(are) not empty (\(report.state.rawValue)): \(report.reason)."
    }
  }

  // MARK: - The plan

  static func plan(_ report: PlanReport) -> String {
    let machines = Dictionary(report.moves.map { ($0.move.vm.uuid, $0.move.vm.memoryKiB) }) { first, _ in first }
    var text = "Plan \(report.id): \(report.operation.wish): \(machines.count) to move, "
    text += "\(SizeText.kibibytes(machines.values.reduce(0, +))) of memory\n"
    if let requester = report.requester {
      text += "for \(requester)\(report.purpose.map { ": \($0)" } ?? "")\n"
    } else if let purpose = report.purpose {
      text += "for: \(purpose)\n"
    }
    if !report.moves.isEmpty {
      var table = Table(["  VM", "MEMORY", "VCPUS", "FROM", "TO"], rightAligned: [1, 2])
      for move in report.moves {
        let vm = move.move.vm
        table.add([
          "  \(vm.name)", SizeText.kibibytes(vm.memoryKiB), "\(vm.vcpus)",
          move.stage == .restore ? "storage" : move.move.source.rawValue,
          move.stage == .save ? "storage" : move.move.destination.rawValue,
        ])
      }
      text += "\n\(table.text)\n"
    }
    for unplaced in report.unplaced { text += "\n  \(unplaced.vm.name) has no place: \(unplaced.details)" }
    if !report.unplaced.isEmpty { text += "\n" }
    guard !report.loads.isEmpty else { return text }
    let score = Plan.Score(
      moves: report.moves.map(\.move), unplaced: report.unplaced.count, loads: report.loads)
    return text + "\n\(PlanTables.loads(report.loads))\n\n  \(PlanTables.score(score))"
  }

  // MARK: - Progress

  private mutating func redraw(_ report: PlanReport) {
    let columns = Self.terminalColumns
    var lines = changes(in: report).filter(\.state.isFinal).map { Self.line($0) }
    let permanent = lines.count
    lines += report.moves.filter { $0.state == .moving || $0.state == .retrying }.map { Self.line($0) }
    lines.append(Self.summary(report))
    // Up to where the last drawing began; each line replaces what was there, and none may wrap into two.
    let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : "\n"
    let text = lines.map { "\u{1B}[2K\($0.prefix(columns - 1))\n" }.joined() + "\u{1B}[J"
    FileHandle.standardOutput.write(Data((up + text).utf8))
    drawnLines = lines.count - permanent
  }

  private static var terminalColumns: Int {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 120 }
    return Int(size.ws_col)
  }

  /// The moves whose state is another than when they were shown last.
  private mutating func changes(in report: PlanReport) -> [PlanReport.Move] {
    let changed = report.moves.indices.filter { shown[$0] != report.moves[$0].state }
    for index in changed { shown[index] = report.moves[index].state }
    return changed.map { report.moves[$0] }
  }

  private mutating func printChanges(_ report: PlanReport) {
    let news = changes(in: report).filter { $0.state != .waiting }
    for move in news { print(Self.line(move)) }
    let changed = !news.isEmpty
    let now = ContinuousClock.now
    guard changed || (now - lastProgress > .seconds(2) && !report.state.isFinal) else { return }
    lastProgress = now
    if !changed { for move in report.moves where move.state == .moving { print(Self.line(move)) } }
    print(Self.summary(report))
  }

  static func line(_ move: PlanReport.Move) -> String {
    let name = move.move.vm.name.rawValue.padding(
      toLength: max(10, move.move.vm.name.rawValue.count), withPad: " ", startingAt: 0)
    var text = "  \(name) \(way(of: move))  "
    switch move.state {
    case .waiting: text += "waiting"
    case .moving: text += progress(move)
    case .retrying: text += "failed, retry \(move.retries) soon: \(move.details ?? "")"
    case .moved:
      text +=
        "moved in \(SizeText.seconds(move.seconds ?? 0))" + (move.retries > 0 ? " after \(move.retries) retries" : "")
    case .failed: text += "failed: \(move.details ?? "")"
    }
    return text
  }

  private static func way(of move: PlanReport.Move) -> String {
    switch move.stage {
    case nil, .back: "\(move.move.source) → \(move.move.destination)"
    case .save: "\(move.move.source) → storage"
    case .restore: "storage → \(move.move.destination)"
    case .goHome: "storage → \(move.move.source)"
    }
  }

  private static func progress(_ move: PlanReport.Move) -> String {
    guard let progress = move.progress, progress.totalBytes > 0 else { return "preparing" }
    if progress.phase == .verifying { return "verifying" }
    let share = min(1, max(0, Double(progress.doneBytes) / Double(progress.totalBytes)))
    let width = 20
    let full = Int(share * Double(width))
    var text = "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))] "
    text += "\(Int(share * 100)) %  \(SizeText.bytes(progress.rate))/s"
    if let dirty = progress.dirtyRate, dirty > 0 { text += "  dirty \(SizeText.bytes(dirty))/s" }
    if let left = progress.remainingSeconds { text += "  ETA \(SizeText.seconds(left))" }
    return text
  }

  private static func summary(_ report: PlanReport) -> String {
    let moved = report.moves.count { $0.state == .moved }
    var text = "  \(moved) of \(report.moves.count) moved, \(SizeText.seconds(report.seconds))"
    if report.state == .paused { text += ", paused" }
    if let left = report.remainingSeconds { text += ", about \(SizeText.seconds(left)) left" }
    return text
  }
}

extension PlanReport.Operation {
  var name: String {
    switch self {
    case .evacuation: "evacuation"
    case .restore: "restore"
    case .exchange, .rearrangement, .migration: subject
    }
  }

  /// What it is about, for a sentence.
  var subject: String {
    switch self {
    case .evacuation(let request): request.sourceList
    case .restore(let host): host.rawValue
    case .exchange: "exchange"
    case .rearrangement: "rearrangement"
    case .migration: "migration"
    }
  }

  /// What is wanted, in words.
  var wish: String {
    switch self {
    case .evacuation(let request):
      "empty \(request.sourceList), mode \(request.mode.rawValue), \(request.migrationType.rawValue)"
    case .restore(let host): "restore \(host)"
    case .exchange: "exchange two machines"
    case .rearrangement: "rearrange machines"
    case .migration: "migrate a machine"
    }
  }
}
