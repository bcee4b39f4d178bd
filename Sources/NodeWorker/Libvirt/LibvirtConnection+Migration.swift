import CLibvirt

extension LibvirtConnection {
  /// Moves a VM to another host, peer-to-peer (`virDomainMigrateToURI3`); returns when it has moved or cannot.
  ///
  /// The source's daemon does the work: if this program dies the move goes on, and if it fails in doubt only both hosts
  /// can tell where the VM runs. Cancelling the task changes nothing; `abortJob`, on another connection, does.
  ///
  /// Two daemons that migrate into each other deadlock when all workers of both wait: stay well below half of their
  /// `max_workers`.
  ///
  /// - Parameter destinationURI: as the *source's daemon* reaches the other: "qemu+tcp://node2/system".
  public func migrate(
    _ reference: DomainReference, to destinationURI: String, options: MigrationOptions
  ) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let operation = "virDomainMigrateToURI3"
      try checkText(destinationURI, "destination's URI", for: operation)
      let parameters = try options.parameters(for: operation)
      try unsafe parameters.withPointer { list, count throws(LibvirtError) in
        guard unsafe virDomainMigrateToURI3(domain.raw, destinationURI, list, count, options.flags) == 0 else {
          throw .last(operation)
        }
      }
    }
  }

  /// Lets the VM go on at the destination now and fetch the rest of its memory from there
  /// (`virDomainMigrateStartPostCopy`).
  ///
  /// Needs `MigrationOptions.postCopy`; refused in the first moments of a migration, so repeat it. From here on the loss of
  /// either host is the loss of the VM.
  public func startPostCopy(_ reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainMigrateStartPostCopy(domain.raw, 0) == 0 else {
        throw .last("virDomainMigrateStartPostCopy")
      }
    }
  }

  /// Changes the limit of a VM's migration, also of one that runs (`virDomainMigrateSetMaxSpeed`).
  /// - Parameter bandwidth: MiB/s.
  public func setMigrationBandwidth(_ bandwidth: UInt64, of reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainMigrateSetMaxSpeed(domain.raw, UInt(bandwidth), 0) == 0 else {
        throw .last("virDomainMigrateSetMaxSpeed")
      }
    }
  }

  /// How far the VM's running job has come (`virDomainGetJobStats`); nil when there is none, as on a host where the VM
  /// does not run or which it has left.
  ///
  /// All figures are zero while a migration is being prepared, and in the moment after an abort (`cancelled`).
  public func job(of reference: DomainReference) async throws(LibvirtError) -> JobRecord? {
    do throws(LibvirtError) {
      return try await perform(on: reference) { domain throws(LibvirtError) in
        do throws(LibvirtError) {
          return try Self.job(of: domain, flags: 0)
        } catch  where error.isOperationInvalid {
          // libvirt wants an active VM; without one there is no job. Any other refusal keeps its words.
          guard unsafe virDomainIsActive(domain.raw) != 1 else { throw error }
          return nil
        }
      }
    } catch  where error.isNoDomain {
      return nil
    }
  }

  /// The figures of the VM's last finished job, which the host keeps until the next one; nil when it has none.
  public func completedJob(of reference: DomainReference) async throws(LibvirtError) -> JobRecord? {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let flags = VIR_DOMAIN_JOB_STATS_COMPLETED.rawValue | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED.rawValue
      return try Self.job(of: domain, flags: flags)
    }
  }

  /// Ends the VM's running job (`virDomainAbortJob`): a migration fails with `isOperationAborted`, the VM runs on at the
  /// source. May come too late, and the VM has moved.
  public func abortJob(_ reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainAbortJob(domain.raw) == 0 else { throw .last("virDomainAbortJob") }
    }
  }

  private static func job(of domain: borrowing DomainHandle, flags: UInt32) throws(LibvirtError) -> JobRecord? {
    var kind: Int32 = 0
    var list: virTypedParameterPtr?
    var count: Int32 = 0
    guard unsafe virDomainGetJobStats(domain.raw, &kind, &list, &count, flags) == 0 else {
      throw .last("virDomainGetJobStats")
    }
    let parameters = unsafe TypedParameters(adopting: list, count: count)
    guard kind != Int32(VIR_DOMAIN_JOB_NONE.rawValue) else { return nil }
    return parameters.read { JobRecord(kind: JobRecord.Kind(libvirt: kind), $0) }
  }
}
