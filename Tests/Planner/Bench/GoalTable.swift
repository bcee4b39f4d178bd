import ClusterModel
import Foundation
import PlannerCases

/// What the planner must show, and what it shows.
struct GoalTable {
  private let all: [Measurement]
  private var rows: [(what: String, goal: String, result: String)] = []

  init(_ measurements: [Measurement]) {
    all = measurements
    addQuality()
    addTimes()
  }

  var text: String {
    (["| | goal | result |", "|---|---|---|"] + rows.map { "| \($0.what) | \($0.goal) | \($0.result) |" })
      .joined(separator: "\n")
  }

  private mutating func add(_ what: String, _ goal: String, _ result: String?) {
    if let result { rows.append((what, goal, result)) }
  }

  private mutating func addQuality() {
    let broken = all.filter { !$0.judge.violations.isEmpty }
    add(
      "validity", "0 violations",
      "\(broken.count) of \(all.count) plans break something"
        + (broken.first.map { ": \($0.name): \($0.judge.violations[0])" } ?? ""))
    let small = all.filter { $0.size == .small || $0.size == .middle }
    let large = all.filter { $0.size == .large || $0.size == .huge }
    let wishes = small.filter { $0.mode != nil }
    let proven = wishes.count { $0.optimum != nil }
    add(
      "unplaced, s and m", "the optimum",
      "\(wishes.count { $0.excessUnplaced > 0 }) of \(wishes.count) over it; \(proven) proven, else by the bound"
        + Self.named(wishes.filter { $0.excessUnplaced > 0 }) { "\($0.excessUnplaced)" })
    let left = large.filter { $0.mode != nil && $0.excessUnplaced > 0 }
    add(
      "unplaced, l and x", "the bound",
      "\(left.count) of \(large.count { $0.mode != nil }) over it" + Self.named(left) { "\($0.excessUnplaced)" })
    let overbooked = all.filter { ($0.excessOverbooked ?? 0) > 0 }
    add(
      "overbooked", "the optimum",
      "\(overbooked.count) over it" + Self.named(overbooked) { "\($0.excessOverbooked ?? 0)" })
    addShare("auto, highest share, s and m", "mean <= 0.2 %, worst <= 2 %", small.filter { $0.mode == .auto })
    addShare("auto, highest share, l and x", "", large.filter { $0.mode == .auto })
    let compact = small.filter { $0.mode == .compact && $0.excessHosts != nil }
    add(
      "compact, hosts, s and m", "the optimum",
      compact.isEmpty
        ? nil
        : "\(compact.count { ($0.excessHosts ?? 0) > 0 }) of \(compact.count) over it or the bound"
          + Self.named(compact.filter { ($0.excessHosts ?? 0) > 0 }) { "\($0.excessHosts ?? 0)" })
    let parts = large.filter { $0.mode == .compact && $0.partOfFirstFit != nil }
    let over = parts.filter { ($0.partOfFirstFit ?? 0) > 0.5 }
    add(
      "compact, hosts, l and x", "half of first fit's distance to the bound",
      parts.isEmpty
        ? nil
        : "mean \(Self.decimal(Self.mean(parts.compactMap(\.partOfFirstFit)))) of it, "
          + "\(over.count) of \(parts.count) over half" + Self.named(over) { Self.decimal($0.partOfFirstFit ?? 0) })
    let scatter = all.filter { $0.mode == .scatter }
    let uneven = scatter.filter { !$0.isEven }
    add(
      "scatter, numbers", "as equal as possible",
      "\(uneven.count) of \(scatter.count) are not" + Self.named(uneven) { "\($0.judge.imbalance)" })
    addShare(
      "scatter, highest share, s and m", "<= 0.5 %",
      small.filter { $0.mode == .scatter && $0.optimum != nil && $0.judge.imbalance == 0 })
    let schedules = all.filter {
      $0.moves >= 100 && ($0.mode == .auto || $0.mode == .scatter) && $0.leastExtraMoves == 0
    }
    addPercent("makespan from 100 moves on, auto and scatter", "<= 1 % over the ports", schedules, \.excessMakespan)
    let orders = all.filter { $0.mode == nil && ($0.family == "sched" || $0.family == "edgecolor") && $0.moves >= 100 }
    addPercent("makespan, order only", "", orders, \.excessMakespan)
    let cycles = all.filter { $0.mode == nil || $0.family == "repack" }
    let extra = cycles.filter { $0.excessLifts > 0 }
    add(
      "rearrangement, extra moves and suspends", "the bound",
      "\(extra.count) of \(cycles.count) over it"
        + Self.named(extra) { "\($0.excessLifts)" })
  }

  private mutating func addTimes() {
    let huge = all.filter { $0.size == .huge }
    let spread = huge.filter { $0.mode == .auto || $0.mode == .scatter }
    addTime(
      "1,000 hosts, up to 1,100 moves", "<= 5 ms",
      spread.filter { $0.moves <= 1100 && $0.isFeasible && $0.family != "repack" })
    addTime("1,000 hosts, 13,000 moves", "<= 25 ms", spread.filter { $0.moves > 10_000 })
    addTime("1,000 hosts, compact", "<= 100 ms", huge.filter { $0.mode == .compact })
    addTime("order of 20,000 moves", "<= 35 ms", huge.filter { $0.family == "sched" || $0.family == "edgecolor" })
    addTime(
      "cycles of 11,000 moves", "<= 80 ms", huge.filter { $0.name.contains("cycle") || $0.name.contains("bounce") })
    let giant = all.filter { $0.size == .giant }
    addTime("10,000 hosts, one host", "<= 5 ms", giant.filter { $0.family == "onehost" && $0.mode != .compact })
    addTime("10,000 hosts, a rack", "<= 10 ms", giant.filter { $0.family == "rack" && $0.mode != .compact })
    addTime(
      "10,000 hosts, half, auto with its order", "<= 400 ms", giant.filter { $0.family == "half" && $0.mode == .auto })
    addTime("10,000 hosts, half, compact", "<= 1 s", giant.filter { $0.family == "half" && $0.mode == .compact })
    if !giant.isEmpty {
      add("memory at the most", "< 200 MiB", "\((giant.map(\.peakMemory).max() ?? 0) / 1024) MiB, with the case")
    }
  }

  private mutating func addTime(_ what: String, _ goal: String, _ part: [Measurement]) {
    guard let slowest = part.max(by: { $0.seconds < $1.seconds }) else { return }
    let sorted = part.map(\.seconds).sorted()
    add(
      what, goal,
      "median \(Self.milliseconds(sorted[sorted.count / 2])), slowest \(Self.milliseconds(slowest.seconds)) (\(slowest.name))"
    )
  }

  private mutating func addShare(_ what: String, _ goal: String, _ part: [Measurement]) {
    addPercent(what, goal, part, \.excessShare)
  }

  private mutating func addPercent(
    _ what: String, _ goal: String, _ part: [Measurement], _ value: (Measurement) -> Double?
  ) {
    let values = part.compactMap { one in value(one).map { (one, $0 * 100) } }
    guard let worst = values.max(by: { $0.1 < $1.1 }) else { return }
    add(
      what, goal,
      "mean \(Self.decimal(Self.mean(values.map(\.1)))) %, worst \(Self.decimal(worst.1)) % (\(worst.0.name))")
  }

  private static func named(_ some: [Measurement], _ value: (Measurement) -> String) -> String {
    some.isEmpty ? "" : " (" + some.prefix(6).map { "\($0.name): \(value($0))" }.joined(separator: ", ") + ")"
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

  static func decimal(_ value: Double) -> String { String(format: "%.2f", value) }

  static func milliseconds(_ seconds: Double) -> String { String(format: "%.1f ms", seconds * 1000) }
}
