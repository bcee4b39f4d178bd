import ClusterModel
public import Placement

/// A plan as JSON, in the names of its case. Times in seconds from the plan's start.
public enum PlanText {
  /// - Parameter seconds: what the planning took, without reading and writing.
  public static func json(_ solution: Solution, of planningCase: PlanningCase, seconds: Double) -> String {
    let hosts = planningCase.hostNames.map(\.quotedJSON)
    let vms = planningCase.vmNames.map(\.quotedJSON)
    var text = "{\"case\":\(planningCase.name.quotedJSON),\"seconds\":\(seconds),\n\"placements\":["
    text.reserveCapacity(solution.placements.count * 48 + solution.steps.count * 112 + 4096)
    append(solution.placements, to: &text) { placement, text in
      text += "{\"vm\":\(vms[placement.vm]),\"destination\":\(hosts[placement.destination])"
      if placement.cell >= 0 { text += ",\"cell\":\(placement.cell)" }
    }
    text += "],\n\"unplaced\":["
    let loads = FinalLoads(solution, planningCase.problem)
    append(solution.unplaced, to: &text) { vm, text in
      let shortfall = Shortfall(of: vm, loads: loads, planningCase)
      text += "{\"vm\":\(vms[vm]),\"reason\":\(shortfall.details.quotedJSON)"
    }
    text += "],\n\"steps\":["
    append(solution.steps, to: &text) { step, text in
      text += "{\"kind\":\"\(step.kind)\",\"vm\":\(vms[step.vm])"
      if step.source >= 0 { text += ",\"from\":\(hosts[step.source])" }
      if step.destination >= 0 { text += ",\"to\":\(hosts[step.destination])" }
      if step.after >= 0 { text += ",\"after\":[\(step.after)]" }
      text += ",\"start\":\(decimal(step.start)),\"end\":\(decimal(step.end))"
    }
    text += "],\n\"hosts\":["
    let summary = PlanSummary(solution, of: planningCase)
    append(summary.loads, to: &text) { load, text in
      text += "{\"name\":\(load.host.rawValue.quotedJSON),\"vms\":[\(load.vmsBefore),\(load.vmsAfter)],"
      text += "\"memory\":[\(load.memoryKiBBefore),\(load.memoryKiBAfter)],"
      text += "\"vcpus\":[\(load.vcpusBefore),\(load.vcpusAfter)]"
    }
    return text + "],\n\"score\":\(json(summary.score))}\n"
  }

  private static func json(_ score: Plan.Score) -> String {
    "{\"unplaced\":\(score.unplaced),\"extraMoves\":\(score.extraMoves),\"suspends\":\(score.suspends),"
      + "\"overbooked\":\(score.overbookedCPUs),\"hostsUsed\":\(score.receivingHosts),"
      + "\"maxShare\":\(score.highestShare),\"fewest\":\(score.fewestReceived),\"most\":\(score.mostReceived),"
      + "\"makespan\":\(score.seconds ?? 0)}"
  }

  private static func append<Element>(
    _ elements: [Element], to text: inout String, _ body: (Element, inout String) -> Void
  ) {
    for (number, element) in elements.enumerated() {
      text += number == 0 ? "\n" : ",\n"
      body(element, &text)
      text += "}"
    }
  }

  /// Microseconds as seconds, without rounding.
  private static func decimal(_ microseconds: Int) -> String {
    let fraction = String(microseconds % 1_000_000)
    return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
  }
}
