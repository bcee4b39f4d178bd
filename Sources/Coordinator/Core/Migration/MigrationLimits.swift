/// How many migrations run at once.
public struct MigrationLimits: Sendable, Equatable {
  /// In the whole cluster; nil: no limit.
  public var total: Int?
  /// Out of one host; nil: 2, or 4 where the rate of the host's link is known and bounds them, too.
  public var outgoing: Int?
  /// Into one host; nil: as for `outgoing`.
  public var incoming: Int?
  /// Another migration begins when this part of what it could use alone is free on the links of both ends; 0: links hold
  /// none back.
  public var linkShare: Double
  /// Of hosts that do not say, MiB/s; nil: their links hold nothing back.
  public var bandwidthMiB: Int?

  public init(
    total: Int? = nil, outgoing: Int? = nil, incoming: Int? = nil, linkShare: Double = usualLinkShare,
    bandwidthMiB: Int? = nil
  ) {
    self.total = total
    self.outgoing = outgoing
    self.incoming = incoming
    self.linkShare = linkShare
    self.bandwidthMiB = bandwidthMiB
  }

  /// What a link that is nearly full would still give is not worth that two machines are copied at once, because what
  /// they write meanwhile is copied again.
  public static let usualLinkShare = 0.25
  /// Where nothing is known of a link: enough that one prepares while the other copies.
  public static let withoutLinks = 2
  /// Where links bound what is copied at once, slots need only end what would not.
  public static let withLinks = 4

  /// - Parameter own: what was configured.
  func slots(_ own: Int?, isLinkKnown: Bool) -> Int {
    own ?? (isLinkKnown && linkShare > 0 ? Self.withLinks : Self.withoutLinks)
  }
}
