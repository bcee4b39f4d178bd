import ClusterModel
import MigfraProtocol

/// The processes of jobs that agents have announced, by machine.
struct AnnouncedProcesses: Sendable {
  private var byMachine: [VMName: Set<String>] = [:]
  /// More of one machine, or of more machines, are not remembered: a name costs nothing to send.
  private static let most = 100_000

  /// nil: the process has ended.
  mutating func note(_ process: String, of vm: VMName, _ report: PscomProcessReport?) {
    guard report != nil else {
      byMachine[vm]?.remove(process)
      if byMachine[vm]?.isEmpty == true { byMachine[vm] = nil }
      return
    }
    guard byMachine.count < Self.most, byMachine[vm, default: []].count < Self.most else { return }
    byMachine[vm, default: []].insert(process)
  }

  /// Whom to ask before the machine moves; nil: nobody.
  ///
  /// All that are known are asked by name, if they are as many as the task says. If fewer are known, all are asked at
  /// once and nobody by name: whoever was asked twice would be asked to close and to open.
  func audience(of vm: VMName, _ hook: HookProcesses, areAddressable: Bool) -> SuspendedJob.Audience? {
    let known = byMachine[vm] ?? []
    let wanted =
      switch hook {
      case .count(let count): count
      case .announced: known.count
      }
    guard wanted > 0 else { return nil }
    return areAddressable && known.count >= wanted ? .processes(known) : .everyProcess(count: wanted)
  }
}
