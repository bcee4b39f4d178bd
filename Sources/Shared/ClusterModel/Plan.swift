/// Which machines go where, in which order, and which cannot go and why: complete before anything moves.
/// The dry run is this value.
public struct Plan: Sendable, Equatable {
  /// One machine's way.
  public struct Move: Sendable, Equatable, Codable {
    public var vm: VirtualMachine
    public var source: HostName
    public var destination: HostName
    /// When it should start and end, in seconds after the plan's start; nil: not estimated.
    public var estimatedStart: Double?
    public var estimatedEnd: Double?

    public init(
      vm: VirtualMachine, source: HostName, destination: HostName, estimatedStart: Double? = nil,
      estimatedEnd: Double? = nil
    ) {
      self.vm = vm
      self.source = source
      self.destination = destination
      self.estimatedStart = estimatedStart
      self.estimatedEnd = estimatedEnd
    }
  }

  /// A machine without a place.
  public struct Unplaced: Sendable, Equatable, Codable {
    public enum Cause: String, Sendable, Codable, CaseIterable {
      case memory
      case vcpus
      /// There is room, but labels or anti-affinity forbid it.
      case constraint
      /// No destination may receive at all.
      case noDestination = "no-destination"
    }

    public var vm: VirtualMachine
    public var source: HostName
    public var cause: Cause
    /// The best host and what is missing there, in words.
    public var details: String

    public init(vm: VirtualMachine, source: HostName, cause: Cause, details: String) {
      self.vm = vm
      self.source = source
      self.cause = cause
      self.details = details
    }
  }

  /// A host's load before and after the plan.
  public struct HostLoad: Sendable, Equatable, Codable {
    public var host: HostName
    public var capacity: HostCapacity
    public var vmsBefore: Int
    public var vmsAfter: Int
    public var memoryKiBBefore: Int
    public var memoryKiBAfter: Int
    public var vcpusBefore: Int
    public var vcpusAfter: Int

    public init(
      host: HostName, capacity: HostCapacity, vmsBefore: Int, vmsAfter: Int, memoryKiBBefore: Int,
      memoryKiBAfter: Int, vcpusBefore: Int, vcpusAfter: Int
    ) {
      self.host = host
      self.capacity = capacity
      self.vmsBefore = vmsBefore
      self.vmsAfter = vmsAfter
      self.memoryKiBBefore = memoryKiBBefore
      self.memoryKiBAfter = memoryKiBAfter
      self.vcpusBefore = vcpusBefore
      self.vcpusAfter = vcpusAfter
    }
  }

  /// In the order in which they should start.
  public var moves: [Move]
  public var unplaced: [Unplaced]
  /// The source and every host that receives; others stay as they are, and a large cluster has thousands of them.
  public var loads: [HostLoad]

  public init(moves: [Move] = [], unplaced: [Unplaced] = [], loads: [HostLoad] = []) {
    self.moves = moves
    self.unplaced = unplaced
    self.loads = loads
  }
}
