import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

/// What can be known to fail, before anything is touched.
extension MigrationEnds {
  func preflight(_ record: DomainRecord) async throws(HypervisorError) {
    let reference = DomainReference.uuid(record.uuid)
    let snapshots = try await atSource("counting the snapshots of \(vm)") { source throws(LibvirtError) in
      try await source.snapshotCount(of: reference)
    }
    if snapshots > 0, order.type != .offline || !record.isActive {
      throw HypervisorError(
        .wrongState,
        "\(vm) has \(snapshots) snapshots recorded on \(host), with which libvirt moves nothing; 'virsh snapshot-delete "
          + "--metadata' forgets the records and keeps the data")
    }
    guard record.isActive else { return }
    // What is only saved now will find its room there later.
    if order.tuning.offlineStage != .save { try await checkMemory(of: record) }
    try await checkProcessor(of: reference)
  }

  private func checkMemory(of record: DomainRecord) async throws(HypervisorError) {
    let available = try await atDestination("asking for the memory") { destination throws(LibvirtError) in
      try await destination.availableMemory()
    }
    guard available < record.memory else { return }
    throw HypervisorError(
      .capacity,
      "\(order.destination) has \(SizeText.kibibytes(Int(clamping: available))) of memory left, \(vm) needs "
        + SizeText.kibibytes(Int(clamping: record.memory)))
  }

  /// A guest keeps the processor that it has seen at its start; the destination must be able to play it.
  private func checkProcessor(of reference: DomainReference) async throws(HypervisorError) {
    let live = try await atSource("reading the description of \(vm)") { source throws(LibvirtError) in
      try await source.xml(of: reference, migratable: true)
    }
    let description = try DomainDescription(live)
    guard let cpu = description.namedProcessor else { return }
    let comparison = try await atDestination("comparing processors") { destination throws(LibvirtError) in
      try await destination.compare(cpu: cpu, for: description.machineKind)
    }
    guard comparison == .incompatible else { return }
    throw HypervisorError(
      .destination, "the processor of \(order.destination) lacks what that of \(vm) has: it cannot go on there")
  }

  /// Both descriptions for the destination, where the order asks for other pins there.
  func descriptions(
    of record: DomainRecord
  ) async throws(HypervisorError) -> (live: String?, persistent: String?) {
    guard let map = order.tuning.vcpuMap else { return (nil, nil) }
    let node = try await atDestination("asking for the CPUs") { destination throws(LibvirtError) in
      try await destination.node()
    }
    if let flaw = VMRepin(vm: vm, map: map).flaw(vcpus: record.vcpus, cpus: node.cpus, on: order.destination) {
      throw HypervisorError(.refused, flaw)
    }
    let reference = DomainReference.uuid(record.uuid)
    var live: String?
    if record.isActive {
      let text = try await atSource("reading the description of \(vm)") { source throws(LibvirtError) in
        try await source.xml(of: reference, migratable: true, secure: true)
      }
      live = try Self.pinned(text, to: map)
    }
    guard record.isPersistent else { return (live, nil) }
    return (live, try Self.pinned(try await definition(of: record), to: map))
  }

  /// The lasting definition, as the destination's libvirt understands it.
  func definition(of record: DomainRecord) async throws(HypervisorError) -> String {
    try await atSource("reading the definition of \(vm)") { source throws(LibvirtError) in
      try await source.xml(of: .uuid(record.uuid), migratable: true, inactive: true, secure: true)
    }
  }

  static func pinned(_ xml: String, to map: VCPUMap) throws(HypervisorError) -> String {
    var description = try DomainDescription(xml)
    description.setPins(map)
    return description.text
  }
}
