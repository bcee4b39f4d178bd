import ClusterModel

/// What every command shows of a plan in the same way.
enum PlanTables {
  /// Hosts before and after.
  static func loads(_ loads: [Plan.HostLoad]) -> String {
    var table = Table(["  HOST", "VMS", "MEMORY", "OF", "VCPUS", "OF"], rightAligned: [1, 2, 3, 4, 5])
    for load in loads {
      table.add([
        "  \(load.host)", "\(load.vmsBefore) → \(load.vmsAfter)",
        "\(SizeText.kibibytes(load.memoryKiBBefore)) → \(SizeText.kibibytes(load.memoryKiBAfter))",
        SizeText.kibibytes(load.capacity.memoryKiB), "\(load.vcpusBefore) → \(load.vcpusAfter)",
        "\(load.capacity.cpus)",
      ])
    }
    return table.text
  }

  /// "score: 2 hosts receive 1 to 3 machines each, the fullest becomes 81.2 % full; ..."
  static func score(_ score: Plan.Score) -> String {
    var parts: [String] = []
    if score.receivingHosts > 0 {
      let numbers =
        score.fewestReceived == score.mostReceived
        ? "\(score.mostReceived)" : "\(score.fewestReceived) to \(score.mostReceived)"
      parts.append(
        "\(score.receivingHosts) \(score.receivingHosts == 1 ? "host receives" : "hosts receive"), \(numbers) each")
      parts.append("the fullest becomes \(percent(score.highestShare)) full")
    }
    parts.append("\(score.unplaced) without a place")
    if score.overbookedCPUs > 0 { parts.append("\(score.overbookedCPUs) CPUs overbooked") }
    if score.extraMoves > 0 { parts.append("\(score.extraMoves) extra moves") }
    if score.suspends > 0 { parts.append("\(score.suspends) suspended for a while") }
    if let seconds = score.seconds { parts.append("about \(SizeText.seconds(seconds))") }
    return "score: " + parts.joined(separator: "; ")
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }
}

/// A plan's score as JSON.
struct ScoreOutput: Encodable {
  var unplaced: Int
  var extraMoves: Int
  var suspends: Int
  var overbookedCpus: Int
  var receivingHosts: Int
  var highestShare: Double
  var fewestReceived: Int
  var mostReceived: Int
  var seconds: Double?

  init(_ score: Plan.Score) {
    unplaced = score.unplaced
    extraMoves = score.extraMoves
    suspends = score.suspends
    overbookedCpus = score.overbookedCPUs
    receivingHosts = score.receivingHosts
    highestShare = score.highestShare
    fewestReceived = score.fewestReceived
    mostReceived = score.mostReceived
    seconds = score.seconds
  }
}

/// A host before and after a plan as JSON.
struct LoadOutput: Encodable {
  var host: String
  var vmsBefore: Int
  var vmsAfter: Int
  var memoryKib: Int
  var memoryKibBefore: Int
  var memoryKibAfter: Int
  var cpus: Int
  var vcpusBefore: Int
  var vcpusAfter: Int

  init(_ load: Plan.HostLoad) {
    host = load.host.rawValue
    vmsBefore = load.vmsBefore
    vmsAfter = load.vmsAfter
    memoryKib = load.capacity.memoryKiB
    memoryKibBefore = load.memoryKiBBefore
    memoryKibAfter = load.memoryKiBAfter
    cpus = load.capacity.cpus
    vcpusBefore = load.vcpusBefore
    vcpusAfter = load.vcpusAfter
  }
}
