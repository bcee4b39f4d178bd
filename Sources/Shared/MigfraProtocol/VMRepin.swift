public import ClusterModel

/// One entry of `repin vm`: which of the host's CPUs each virtual CPU may run on.
public struct VMRepin: Sendable, Equatable {
  public var vm: VMName
  public var map: VCPUMap

  public init(vm: VMName, map: VCPUMap) {
    self.vm = vm
    self.map = map
  }
}

/// Sets of the host's CPUs: element 0 is for virtual CPU 0.
public typealias VCPUMap = [[Int]]
