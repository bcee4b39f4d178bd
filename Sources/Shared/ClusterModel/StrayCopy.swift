/// A copy of a machine on one host, while the machine is on other hosts too: told on `fast/coordinator/node/<host>`.
public struct StrayCopy: Sendable, Equatable {
  /// Another host's copy.
  public struct Other: Sendable, Equatable {
    public var host: HostName
    /// What it is called there.
    public var name: VMName
    public var isActive: Bool

    public init(host: HostName, name: VMName, isActive: Bool) {
      self.host = host
      self.name = name
      self.isActive = isActive
    }
  }

  public var name: VMName
  public var uuid: String
  /// Whether it runs or is paused; if not, it is only defined.
  public var isActive: Bool
  /// By host.
  public var others: [Other]

  public init(name: VMName, uuid: String, isActive: Bool, others: [Other]) {
    self.name = name
    self.uuid = uuid
    self.isActive = isActive
    self.others = others
  }

  /// In words, from its host's side: "off, while it runs on node1".
  public var description: String {
    func list(_ others: [Other]) -> String { others.map(\.host.rawValue).joined(separator: " and ") }
    let active = others.filter(\.isActive)
    if !active.isEmpty { return isActive ? "runs on \(list(active)) too" : "off, while it runs on \(list(active))" }
    return isActive ? "defined on \(list(others)) too" : "off, and defined on \(list(others)) too"
  }
}
