public import ClusterModel
public import MigfraProtocol
public import NodeWorkerCore

/// What runs the machines of one host: libvirt, or the simulated one of rehearsals.
///
/// Every operation is judged by what is then observed: a machine that is already as it should be is a success.
public protocol Hypervisor: Sendable {
  /// Keeps the connection until cancelled, and tells each change; a connection that is lost is made anew.
  ///
  /// - Parameter tell: called after every change of the machines, of the connection, and once at the beginning. Changes
  ///   that come close together may be told as one.
  func run(_ tell: @escaping @Sendable (HypervisorChange) -> Void) async

  /// Starts a machine and waits until it is ready. What a start that fails, or is ended by `control`, has made is undone.
  func start(_ start: VMStart, _ control: OperationControl) async throws(HypervisorError) -> StartedVM

  func stop(_ stop: VMStop) async throws(HypervisorError)
  func suspend(_ vm: VMName) async throws(HypervisorError)
  func resume(_ vm: VMName) async throws(HypervisorError)
  /// Changes which CPUs a machine's virtual CPUs may run on: all of them, or none.
  func repin(_ repin: VMRepin) async throws(HypervisorError)

  /// Looks at both ends, and touches nothing.
  /// - Throws: what would make the migration fail.
  func examine(_ order: MigrationOrder) async throws(HypervisorError) -> MigrationProspect

  /// Moves a machine, and asks both ends before it is called a success.
  ///
  /// - Parameter control: ends it, as long as that can be; the machine then runs on here.
  func migrate(
    _ order: MigrationOrder, _ control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async throws(HypervisorError) -> MovedVM
}

/// What a look at both ends of a migration shows.
public enum MigrationProspect: Sendable, Equatable {
  case ready
  /// The machine is at the destination.
  case alreadyThere
}

/// A machine that has moved.
public struct MovedVM: Sendable, Equatable {
  /// At the destination, if it is known.
  public var processID: Int?
  /// What differs from what was asked for, in words.
  public var remarks: [String] = []
  public var times: [TimeMeasurement] = []

  public init() {}
}

/// What a hypervisor tells by itself.
public enum HypervisorChange: Sendable {
  case inventory(HostInventory)
  case lost(String)
}

/// A machine that is ready.
public struct StartedVM: Sendable, Equatable {
  /// As the hypervisor knows it.
  public var name: VMName
  public var processID: Int?
  /// What else is to be told.
  public var details: String?

  public init(name: VMName, processID: Int?, details: String? = nil) {
    self.name = name
    self.processID = processID
    self.details = details
  }
}

extension MigrationOrder {
  /// The error for an order whose time was over before it was begun.
  func tooLate(on host: HostName) -> HypervisorError {
    HypervisorError(.expired, "expired before the migration of \(vm) began; it runs on \(host)")
  }
}

/// Why an operation failed, in words that name the machine, the host and the failing call.
public struct HypervisorError: Error, Equatable, CustomStringConvertible {
  public var code: ErrorCode
  /// Keeps the hypervisor's own words.
  public var description: String
  /// Whether the same operation may succeed another time.
  public var mayPass: Bool

  public init(_ code: ErrorCode, _ description: String, mayPass: Bool = false) {
    self.code = code
    self.description = description
    self.mayPass = mayPass
  }
}
