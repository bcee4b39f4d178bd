public import ClusterModel

/// What every host last said of itself.
///
/// News is ordered by epoch, then by sequence, so that a late will or a reordered report of the past changes nothing.
public struct WorkerRoster: Sendable {
  private var reports: [HostName: HostReport] = [:]

  public init() {}

  /// The hosts ever heard of, by name.
  public var hosts: [HostReport] { reports.values.sorted { $0.host < $1.host } }

  public subscript(host: HostName) -> HostReport? { reports[host] }

  public func isOnline(_ host: HostName) -> Bool { reports[host]?.presence == .online }

  /// Takes a report; returns whether it was news.
  public mutating func update(_ report: HostReport) -> Bool {
    if let known = reports[report.host] {
      guard report.epoch >= known.epoch else { return false }
      if report.epoch == known.epoch {
        if report.presence == .online, report.sequence <= known.sequence { return false }
        if report.presence != .online, known.presence != .online { return false }
      }
      if report.presence != .online {
        // A will knows nothing of the machines: what was last seen stays, as last seen.
        var absent = known
        absent.presence = report.presence
        absent.epoch = report.epoch
        // A farewell ends its epoch's sequence; a will has none. What was said before it and comes late is old.
        absent.sequence = report.epoch == known.epoch ? max(known.sequence, report.sequence) : report.sequence
        reports[report.host] = absent
        return true
      }
    }
    reports[report.host] = report
    return true
  }

  /// Whether the host's own report shows the machine as active.
  public func shows(_ uuid: String, activeOn host: HostName) -> Bool {
    reports[host]?.vms.contains { $0.uuid == uuid && $0.state.isActive } ?? false
  }

  /// Whether any other host than `host` reports the machine as active.
  public func shows(_ uuid: String, activeAwayFrom host: HostName) -> Bool {
    reports.values.contains { report in
      report.host != host && report.vms.contains { $0.uuid == uuid && $0.state.isActive }
    }
  }

  /// The process that runs the machine, if the host's report tells.
  public func processID(of uuid: String, on host: HostName) -> Int? {
    reports[host]?.vms.first { $0.uuid == uuid }?.processID
  }
}
