/// What the engine found: who goes where, in which order, and who stays.
public struct Solution: Sendable, Equatable {
  /// A machine's new host, and its NUMA cell there if it needs one.
  public struct Placement: Sendable, Equatable {
    public var vm: Int
    public var destination: Int
    /// -1: none needed.
    public var cell: Int

    public init(vm: Int, destination: Int, cell: Int = -1) {
      self.vm = vm
      self.destination = destination
      self.cell = cell
    }
  }

  /// One operation on one machine. Steps of one machine follow each other.
  public struct Step: Sendable, Equatable {
    public enum Kind: UInt8, Sendable {
      case migrate
      /// To storage; frees its memory.
      case suspend
      /// From storage.
      case restore
    }

    public var kind: Kind
    public var vm: Int
    /// -1 when it comes from storage.
    public var source: Int
    /// -1 when it goes to storage.
    public var destination: Int
    /// Microseconds after the plan's start.
    public var start: Int
    public var end: Int
    /// The step that must have ended before, besides the machine's own; -1: none.
    public var after: Int

    public init(
      kind: Kind, vm: Int, source: Int, destination: Int, start: Int = 0, end: Int = 0, after: Int = -1
    ) {
      self.kind = kind
      self.vm = vm
      self.source = source
      self.destination = destination
      self.start = start
      self.end = end
      self.after = after
    }
  }

  public var placements: [Placement]
  /// Machines that should have moved and have no place.
  public var unplaced: [Int]
  /// In the order in which they start.
  public var steps: [Step]

  public init(placements: [Placement] = [], unplaced: [Int] = [], steps: [Step] = []) {
    self.placements = placements
    self.unplaced = unplaced
    self.steps = steps
  }

  /// Microseconds until the last step ends.
  public var makespan: Int { steps.reduce(0) { max($0, $1.end) } }
}
