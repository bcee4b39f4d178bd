import CLibvirt

/// Whether a host can run what another host's processor can (`virCPUCompareResult`).
public enum CPUComparison: Sendable, Equatable {
  case incompatible
  case identical
  /// It has all of it, and more.
  case superset
}

/// What runs a VM, as its description names it: several of these on one host can offer different processors.
public struct MachineKind: Sendable, Equatable {
  /// "/usr/bin/qemu-system-x86_64"
  public var emulator: String?
  public var architecture: String?
  /// "pc-q35-7.2"
  public var machine: String?
  /// "kvm", "qemu"
  public var virtualisation: String?

  public init(emulator: String?, architecture: String?, machine: String?, virtualisation: String?) {
    self.emulator = emulator
    self.architecture = architecture
    self.machine = machine
    self.virtualisation = virtualisation
  }
}

extension LibvirtConnection {
  /// Compares a processor's description with what this host's hypervisor can offer (`virConnectCompareHypervisorCPU`).
  /// - Parameters:
  ///   - cpu: a `<cpu>` element, from a VM's description or another host's capabilities.
  ///   - machine: which of the host's hypervisors is meant; nil: its usual one.
  public func compare(cpu: String, for machine: MachineKind? = nil) async throws(LibvirtError) -> CPUComparison {
    try await perform { connection throws(LibvirtError) in
      let operation = "virConnectCompareHypervisorCPU"
      try checkText(cpu, "processor's description", for: operation)
      let result = unsafe virConnectCompareHypervisorCPU(
        connection.raw, machine?.emulator, machine?.architecture, machine?.machine, machine?.virtualisation, cpu, 0)
      switch result {
      case Int32(VIR_CPU_COMPARE_INCOMPATIBLE.rawValue): return .incompatible
      case Int32(VIR_CPU_COMPARE_IDENTICAL.rawValue): return .identical
      case Int32(VIR_CPU_COMPARE_SUPERSET.rawValue): return .superset
      default: throw .last(operation)
      }
    }
  }

  /// Memory that the host can give to a VM now, KiB: free, and held only as buffers and cache
  /// (`virNodeGetMemoryStats`).
  public func availableMemory() async throws(LibvirtError) -> UInt64 {
    try await perform { connection throws(LibvirtError) in
      let operation = "virNodeGetMemoryStats"
      let all = Int32(VIR_NODE_MEMORY_STATS_ALL_CELLS.rawValue)
      var count: Int32 = 0
      guard unsafe virNodeGetMemoryStats(connection.raw, all, nil, &count, 0) == 0 else { throw .last(operation) }
      var statistics = [virNodeMemoryStats](repeating: virNodeMemoryStats(), count: Int(count))
      guard unsafe virNodeGetMemoryStats(connection.raw, all, &statistics, &count, 0) == 0 else {
        throw .last(operation)
      }
      let wanted = [VIR_NODE_MEMORY_STATS_FREE, VIR_NODE_MEMORY_STATS_BUFFERS, VIR_NODE_MEMORY_STATS_CACHED]
      return statistics.prefix(Int(count)).reduce(0) { sum, entry in
        let field = unsafe withUnsafeBytes(of: entry.field) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return wanted.contains(field) ? sum + UInt64(entry.value) : sum
      }
    }
  }
}
