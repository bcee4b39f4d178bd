/// How a machine travels.
public enum MigrationType: String, Sendable, Codable, CaseIterable {
  /// It keeps running; memory is copied meanwhile.
  case live
  /// It is paused for the copy and goes on at the destination.
  case warm
  /// It is saved to shared storage and restored.
  case offline
}

/// How an evacuation spreads machines over the destinations.
public enum PlacementMode: String, Sendable, Codable, CaseIterable {
  /// The fullest receiving host as little full as possible.
  case auto
  /// As few receiving hosts as possible, earliest in the list first.
  case compact
  /// The same number of machines to each destination, as far as possible.
  case scatter
}

/// The wish to empty hosts.
public struct EvacuationRequest: Sendable, Equatable, Codable {
  /// At least one; none of them receives.
  public var sources: [HostName]
  /// Where the machines may go, in order of preference for `compact`; empty: every host that takes arrivals.
  public var destinations: [HostName]
  public var mode: PlacementMode
  /// Whether virtual CPUs may exceed a destination's CPUs, as a last resort. Memory may not.
  public var overbooking: Bool
  /// With overbooking, the most virtual CPUs for each CPU; nil: any number.
  public var cpuRatio: Double?
  /// Whether to move what can be moved although something cannot.
  public var bestEffort: Bool
  public var migrationType: MigrationType
  /// Attempts per machine after the first.
  public var retries: Int

  public init(
    sources: [HostName], destinations: [HostName] = [], mode: PlacementMode = .auto, overbooking: Bool = false,
    cpuRatio: Double? = nil, bestEffort: Bool = true, migrationType: MigrationType = .live, retries: Int = 3
  ) {
    self.sources = sources
    self.destinations = destinations
    self.mode = mode
    self.overbooking = overbooking
    self.cpuRatio = cpuRatio
    self.bestEffort = bestEffort
    self.migrationType = migrationType
    self.retries = retries
  }

  /// The sources in words: "n1, n2".
  public var sourceList: String { sources.map(\.rawValue).joined(separator: ", ") }
}
