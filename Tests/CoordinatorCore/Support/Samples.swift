import ClusterModel

/// Memory in GiB, as the tests speak of it.
func gib(_ count: Int) -> Int { count << 20 }

extension VirtualMachine {
  /// A running machine; its UUID is made of its name.
  static func sample(
    _ name: VMName, memory: Int = 1, vcpus: Int = 1, state: State = .running, uuid: String? = nil,
    processID: Int? = nil, job: JobName? = nil
  ) -> VirtualMachine {
    VirtualMachine(
      name: name, uuid: uuid ?? "uuid-\(name)", state: state, memoryKiB: gib(memory), vcpus: vcpus,
      processID: processID, job: job)
  }
}

extension HostCapacity {
  static func sample(_ memory: Int, _ cpus: Int) -> HostCapacity { HostCapacity(memoryKiB: gib(memory), cpus: cpus) }
}

extension ClusterSnapshot.Host {
  /// A host with memory in GiB.
  static func sample(
    _ name: HostName, _ memory: Int, _ cpus: Int, _ vms: [VirtualMachine] = [],
    reserved: (memory: Int, vcpus: Int) = (0, 0),
    obstacle: ClusterSnapshot.Obstacle? = nil
  ) -> ClusterSnapshot.Host {
    ClusterSnapshot.Host(
      name: name, capacity: .sample(memory, cpus), vms: vms, reservedMemoryKiB: gib(reserved.memory),
      reservedVCPUs: reserved.vcpus, obstacle: obstacle)
  }
}

extension Plan {
  /// "a>n2 b>n3", sorted by machine.
  var text: String {
    moves.map { "\($0.vm.name)>\($0.destination)" }.sorted().joined(separator: " ")
  }

  /// The names of machines without a place, sorted.
  var homeless: [VMName] { unplaced.map(\.vm.name).sorted() }
}
