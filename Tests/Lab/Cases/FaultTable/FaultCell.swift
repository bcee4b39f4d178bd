import TestSupport

/// One cell of the table: an operation is begun, the fault strikes in the phase, and passes; then the judge comes.
struct FaultCell: Sendable {
  let phase: FaultPhase
  let fault: Fault

  /// Cells in one kind of lab come one after another.
  var kindOfLab: String { "\(phase.scene.rawValue) \(fault.environment)" }

  struct Verdict: Sendable {
    var cell: FaultCell
    var duration: Duration
    /// What the operation's own answer was.
    var answer: String
    /// Nothing: the cell is whole.
    var flaws: [String]
    var isBroken: Bool { !flaws.isEmpty }
    var status: String { answer.firstMatch(of: /(?m)^status: (\S+)$/).map { String($0.output.1) } ?? "none" }
  }

  func run(in faultLab: FaultLab, number: Int) async -> Verdict {
    let began = ContinuousClock.now
    var judge = FaultJudge(cell: self, faultLab: faultLab, task: "cell-\(number)")
    do {
      try await perform(&judge)
    } catch {
      judge.flaws.append("\(error)")
    }
    return Verdict(
      cell: self, duration: ContinuousClock.now - began, answer: judge.answer, flaws: judge.flaws)
  }

  private func perform(_ judge: inout FaultJudge) async throws {
    let lab = judge.lab
    let task = judge.task
    let bus = try await LabBus(lab)
    let watch = try Watch(lab, guests: phase.scene.guests.count)
    try await judge.faultLab.limitLinks("400mbit")
    try await bus.publish("fast/migfra/node1/task", "id: \(task)\n\(phase.task)")
    let answers = { bus.results(of: "node1").filter { $0.contains("id: \(task)\n") } }
    let vm: String = try await eventually("begin of \(phase.name)", within: .seconds(30)) {
      if let answer = answers().first {
        throw LabError(description: "answered before \(phase.name) was seen: \(answer)")
      }
      return try phase.begun(lab, bus)
    }
    let complaints = fault.complaints(lab)
    try await fault.strike(lab, phase, vm)
    try await fault.pass(lab, bus, after: complaints) { !answers().isEmpty }
    try await judge.judge(bus, watch, victim: fault.victim(in: phase, of: vm))
    try await bus.end()
  }
}
