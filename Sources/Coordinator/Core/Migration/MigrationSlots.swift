public import ClusterModel

/// What the migrations under way take of slots and links, and whether another one may begin.
///
/// A host's link has a rate in each direction. A migration takes of it what it could copy if only the link at its other
/// end held it back, which that one shares evenly between its migrations; and, averaged over its life, nothing while it
/// prepares and hands over. Another one is worth beginning when both links have a good part free of what it could use.
/// So fast links are filled by several, a slow destination does not keep the source waiting, and no two machines are
/// copied at half the rate each, which would copy more of what they write meanwhile.
///
/// One whose memory is nearly copied takes nothing any more, so that the next one has prepared when the link is free.
public struct MigrationSlots: Sendable {
  /// A migration as links see it.
  public struct Flow: Sendable {
    public var source: HostName
    public var destination: HostName
    /// Bytes per second of the links of both ends; nil: not known.
    public var sourceRate: Double?
    public var destinationRate: Double?
    /// Memory to copy.
    public var bytes: Double
    /// What the task allows, bytes per second; nil: all there is.
    public var limit: Double?

    public init(
      source: HostName, destination: HostName, sourceRate: Double? = nil, destinationRate: Double? = nil,
      bytes: Double, limit: Double? = nil
    ) {
      self.source = source
      self.destination = destination
      self.sourceRate = sourceRate
      self.destinationRate = destinationRate
      self.bytes = bytes
      self.limit = limit
    }

    /// Bytes per second that it copies on average while nothing else uses its links; nil: nobody knows.
    var demand: Double? {
      [sourceRate, destinationRate, limit].compactMap(\.self).min().map { rate in
        bytes / (bytes / rate + MigrationSlots.idleSeconds)
      }
    }
  }

  /// One direction of a host's link.
  private struct Port {
    var slots = 0
    /// Those that copy, or will.
    var flows: [Flow] = []
  }

  /// What a migration takes to prepare and to hand over, while its link carries nothing.
  static let idleSeconds = 0.5

  private let limits: MigrationLimits
  private var total = 0
  private var leaving: [HostName: Port] = [:]
  private var arriving: [HostName: Port] = [:]

  public init(_ limits: MigrationLimits) {
    self.limits = limits
  }

  /// - Parameter isCopied: its memory is at the destination, or will be soon.
  public mutating func take(_ flow: Flow, isCopied: Bool = false) {
    total += 1
    leaving[flow.source, default: Port()].slots += 1
    arriving[flow.destination, default: Port()].slots += 1
    guard !isCopied else { return }
    leaving[flow.source, default: Port()].flows.append(flow)
    arriving[flow.destination, default: Port()].flows.append(flow)
  }

  /// Whether the host may send one more, wherever it goes.
  public func hasOutgoingSlot(_ host: HostName, isLinkKnown: Bool) -> Bool {
    if let most = limits.total, total >= most { return false }
    return (leaving[host]?.slots ?? 0) < limits.slots(limits.outgoing, isLinkKnown: isLinkKnown)
  }

  public func admits(_ flow: Flow) -> Bool {
    hasOutgoingSlot(flow.source, isLinkKnown: flow.sourceRate != nil)
      && (arriving[flow.destination]?.slots ?? 0)
        < limits.slots(limits.incoming, isLinkKnown: flow.destinationRate != nil)
      && isWorthwhile(flow)
  }

  private func isWorthwhile(_ flow: Flow) -> Bool {
    guard limits.linkShare > 0, let demand = flow.demand else { return true }
    let wanted = limits.linkShare * demand
    if let rate = flow.sourceRate {
      let taken = leaving[flow.source]?.flows.reduce(0) { sum, other in
        sum + use(other, otherEnd: other.destinationRate, arriving[other.destination])
      }
      if rate - (taken ?? 0) < wanted { return false }
    }
    if let rate = flow.destinationRate {
      let taken = arriving[flow.destination]?.flows.reduce(0) { sum, other in
        sum + use(other, otherEnd: other.sourceRate, leaving[other.source])
      }
      if rate - (taken ?? 0) < wanted { return false }
    }
    return true
  }

  /// What a migration takes of one end's link.
  private func use(_ flow: Flow, otherEnd rate: Double?, _ port: Port?) -> Double {
    guard let demand = flow.demand else { return 0 }
    guard let rate, let port else { return demand }
    return min(demand, rate / Double(max(1, port.flows.count)))
  }
}
