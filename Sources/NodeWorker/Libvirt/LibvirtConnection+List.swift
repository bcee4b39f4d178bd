import CLibvirt
import Glibc

extension LibvirtConnection {
  /// All VMs of the host, active and inactive.
  ///
  /// Three calls whatever their number: the statistics of all (`virConnectGetAllDomainStats`), then who is persistent and
  /// who has a saved image; and one for each that stands still for a migration. A VM that is busy is not waited for. One that comes or goes between the calls may lack these
  /// two marks, and its event follows.
  public func domains() async throws(LibvirtError) -> [DomainRecord] {
    try await perform { connection throws(LibvirtError) in
      var records = try Self.statistics(of: connection)
      let persistent = try Self.uuids(on: connection, VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
      let saved = try Self.uuids(on: connection, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
      for index in records.indices {
        records[index].isPersistent = persistent.contains(records[index].uuid)
        records[index].hasManagedSave = saved.contains(records[index].uuid)
      }
      return records
    }
  }

  private static func statistics(of connection: ConnectionPointer) throws(LibvirtError) -> [DomainRecord] {
    let operation = "virConnectGetAllDomainStats"
    let wanted =
      VIR_DOMAIN_STATS_STATE.rawValue | VIR_DOMAIN_STATS_BALLOON.rawValue | VIR_DOMAIN_STATS_VCPU.rawValue
    var list: UnsafeMutablePointer<UnsafeMutablePointer<virDomainStatsRecord>?>?
    let count = unsafe virConnectGetAllDomainStats(
      connection.raw, wanted, &list, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT.rawValue)
    guard count >= 0, let list = unsafe list else { throw .last(operation) }
    defer { unsafe virDomainStatsRecordListFree(list) }
    var records: [DomainRecord] = []
    for index in 0..<Int(count) {
      guard let entry = unsafe list[index], let domain = unsafe entry.pointee.dom else { continue }
      let reader = unsafe TypedParameterReader(entry.pointee.params, count: entry.pointee.nparams)
      let identity = unsafe DomainIdentity(domain)
      var record = DomainRecord(
        name: identity.name, uuid: identity.uuid, id: identity.id,
        state: DomainState(libvirt: reader.integer("state.state") ?? 0),
        stateReason: reader.integer("state.reason") ?? 0, memory: reader.unsigned("balloon.maximum") ?? 0,
        vcpus: Int(reader.count32("vcpu.current") ?? 0), isPersistent: false)
      record.isArriving = unsafe DomainHandle.isArriving(domain, record.state, record.stateReason)
      if record.memory == 0 || record.vcpus == 0 {
        // A driver that leaves these out has them in the older call.
        var info = virDomainInfo()
        if unsafe virDomainGetInfo(domain, &info) != 0 {
          let error = LibvirtError.last("virDomainGetInfo")
          if error.isNoDomain { continue }  // it has gone since
          throw error
        }
        record.memory = UInt64(info.maxMem)
        record.vcpus = Int(info.nrVirtCpu)
      }
      records.append(record)
    }
    return records
  }

  private static func uuids(
    on connection: ConnectionPointer, _ filter: virConnectListAllDomainsFlags
  ) throws(LibvirtError) -> Set<String> {
    var list: UnsafeMutablePointer<OpaquePointer?>?
    let count = unsafe virConnectListAllDomains(connection.raw, &list, filter.rawValue)
    guard count >= 0, let list = unsafe list else { throw .last("virConnectListAllDomains") }
    // The array is ours, and so is each handle in it.
    defer { unsafe free(list) }
    var uuids: Set<String> = []
    for index in 0..<Int(count) {
      guard let raw = unsafe list[index] else { continue }
      let handle = unsafe DomainHandle(adopting: raw)
      unsafe uuids.insert(DomainIdentity(handle.raw).uuid)
    }
    return uuids
  }
}
