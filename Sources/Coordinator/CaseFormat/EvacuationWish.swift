public import ClusterModel

/// Hosts to be emptied, by name, as a person asks for it.
public struct EvacuationWish: Sendable, Equatable {
  public var sources: [String]
  /// Empty: every host that takes arrivals.
  public var destinations: [String]
  public var mode: PlacementMode
  public var overbooking: Bool
  /// With overbooking, the most virtual CPUs for each CPU; nil: any number.
  public var cpuRatio: Double?
  /// Whether machines on the destinations may be moved to make room.
  public var movesOthers: Bool

  public init(
    sources: [String], destinations: [String] = [], mode: PlacementMode = .auto, overbooking: Bool = false,
    cpuRatio: Double? = nil, movesOthers: Bool = false
  ) {
    self.sources = sources
    self.destinations = destinations
    self.mode = mode
    self.overbooking = overbooking
    self.cpuRatio = cpuRatio
    self.movesOthers = movesOthers
  }
}
