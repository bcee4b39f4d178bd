public import ClusterModel
import YAML

/// `hold job`: the connections of the machine's processes are closed, and stay so until they are released.
public struct JobHold: Sendable, Equatable {
  public var vm: VMName
  public var processes: HookProcesses
  /// Seconds after which the worker opens them by itself, unless the machine is being moved or this is asked for anew.
  public var lease: Int

  public static let usualLease = 60
  public static let leases = 1...86_400

  public init(vm: VMName, processes: HookProcesses = .announced, lease: Int = usualLease) {
    self.vm = vm
    self.processes = processes
    self.lease = lease
  }
}

/// `release job`: the processes open their connections again.
public struct JobRelease: Sendable, Equatable {
  public var vm: VMName
  /// Whom to tell to go on if nothing is held here: somebody else may have held them, and is lost; nil: nobody.
  public var processes: HookProcesses?

  public init(vm: VMName, processes: HookProcesses? = nil) {
    self.vm = vm
    self.processes = processes
  }
}

extension JobHold {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(vm: try reader.required("vm-name"))
    processes = try reader.hookProcesses() ?? .announced
    lease = try reader.optionalCount("lease") ?? Self.usualLease
    guard Self.leases.contains(lease) else {
      throw reader.error("expected 1 to \(Self.leases.upperBound)", key: "lease")
    }
  }

  var fields: [(String, YAMLNode)] {
    [("vm-name", .string(vm.rawValue)), ("lease", .integer(lease)), ("pscom-hook-procs", processes.node)]
  }
}

extension JobRelease {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(vm: try reader.required("vm-name"))
    processes = try reader.hookProcesses()
  }

  var fields: [(String, YAMLNode)] {
    [("vm-name", .string(vm.rawValue))] + (processes.map { [("pscom-hook-procs", $0.node)] } ?? [])
  }
}
