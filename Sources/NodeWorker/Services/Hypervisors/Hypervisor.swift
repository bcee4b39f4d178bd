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

  /// Starts a machine and waits until it is ready. What a start that fails has made is undone.
  func start(_ start: VMStart) async throws(HypervisorError) -> StartedVM

  func stop(_ stop: VMStop) async throws(HypervisorError)
  func suspend(_ vm: VMName) async throws(HypervisorError)
  func resume(_ vm: VMName) async throws(HypervisorError)
  /// Changes which CPUs a machine's virtual CPUs may run on: all of them, or none.
  func repin(_ repin: VMRepin) async throws(HypervisorError)

  /// Moves a machine, and asks both ends before it is called a success.
  func migrate(_ migration: MigrationOrder, progress: @escaping @Sendable (MigrationProgress) -> Void)
    async throws(HypervisorError)
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

  public init(name: VMName, processID: Int?) {
    self.name = name
    self.processID = processID
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
