import CLibvirt

extension LibvirtConnection {
  /// Lets virtual CPUs run on these of the host's CPUs only (`virDomainPinVcpuFlags`): element 0 is for virtual CPU 0.
  ///
  /// Takes effect at once on a VM that runs, and in the definition of one that has one.
  ///
  /// - Parameter hostCPUs: how many the host has. The numbers are not checked against it here, libvirt would ignore what
  ///   is beyond.
  public func pin(
    _ reference: DomainReference, to map: [[Int]], hostCPUs: Int
  ) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let record = try domain.record()
      var flags = UInt32(0)
      if record.isActive { flags |= VIR_DOMAIN_AFFECT_LIVE.rawValue }
      if record.isPersistent { flags |= VIR_DOMAIN_AFFECT_CONFIG.rawValue }
      for (vcpu, cpus) in map.enumerated() {
        var bits = [UInt8](repeating: 0, count: Int(clibvirt_cpu_map_length(Int32(hostCPUs))))
        let length = Int32(bits.count)
        for cpu in cpus where cpu >= 0 && cpu < hostCPUs { unsafe clibvirt_use_cpu(&bits, Int32(cpu)) }
        if unsafe virDomainPinVcpuFlags(domain.raw, UInt32(vcpu), &bits, length, flags) == 0 { continue }
        let refusal = LibvirtError.last("virDomainPinVcpuFlags")
        // A driver that knows no flags, as the one for tests, still pins what runs.
        guard record.isActive, refusal.isUnsupported || refusal.has(VIR_ERR_INVALID_ARG) else { throw refusal }
        guard unsafe virDomainPinVcpu(domain.raw, UInt32(vcpu), &bits, length) == 0 else {
          throw .last("virDomainPinVcpu")
        }
      }
    }
  }

  /// Sets memory, now and at most, in the definition of a VM that does not run (`virDomainSetMemoryFlags`).
  /// - Parameter memory: KiB.
  public func define(memory: UInt64, of reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let config = VIR_DOMAIN_AFFECT_CONFIG.rawValue
      for flags in [config | VIR_DOMAIN_MEM_MAXIMUM.rawValue, config] {
        guard unsafe virDomainSetMemoryFlags(domain.raw, UInt(memory), flags) == 0 else {
          throw .last("virDomainSetMemoryFlags")
        }
      }
    }
  }

  /// Sets virtual CPUs, now and at most, in the definition of a VM that does not run (`virDomainSetVcpusFlags`).
  public func define(vcpus: Int, of reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let config = VIR_DOMAIN_AFFECT_CONFIG.rawValue
      let maximum = config | VIR_DOMAIN_VCPU_MAXIMUM.rawValue
      let current = try domain.record().vcpus
      // The maximum must never be below the number in use: which one goes first depends on the direction.
      for flags in vcpus >= current ? [maximum, config] : [config, maximum] {
        guard unsafe virDomainSetVcpusFlags(domain.raw, UInt32(clamping: vcpus), flags) == 0 else {
          throw .last("virDomainSetVcpusFlags")
        }
      }
    }
  }

  /// Lets a migration's last step stop the VM for this long (`virDomainMigrateSetMaxDowntime`), also while it runs.
  public func setMaximumDowntime(
    milliseconds: UInt64, of reference: DomainReference
  ) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainMigrateSetMaxDowntime(domain.raw, milliseconds, 0) == 0 else {
        throw .last("virDomainMigrateSetMaxDowntime")
      }
    }
  }

  /// Writes a VM's memory and state to a file and ends it here (`virDomainSave`); one that was paused is paused again when
  /// it is restored.
  public func save(_ reference: DomainReference, to path: String) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      try checkText(path, "path", for: "virDomainSave")
      guard unsafe virDomainSave(domain.raw, path) == 0 else { throw .last("virDomainSave") }
    }
  }

  /// Loads a VM from a file that `save` has written (`virDomainRestoreFlags`); it is paused, and the file stays.
  /// - Parameter description: instead of that in the file; what the guest sees must not differ.
  public func restorePaused(from path: String, as description: String? = nil) async throws(LibvirtError) {
    try await perform { connection throws(LibvirtError) in
      let operation = "virDomainRestoreFlags"
      try checkText(path, "path", for: operation)
      if let description { try checkText(description, "VM's description", for: operation) }
      guard unsafe virDomainRestoreFlags(connection.raw, path, description, VIR_DOMAIN_SAVE_PAUSED.rawValue) == 0 else {
        throw .last(operation)
      }
    }
  }

  /// The description of the VM in a file that `save` has written (`virDomainSaveImageGetXMLDesc`).
  public func savedDescription(in path: String) async throws(LibvirtError) -> String {
    try await perform { connection throws(LibvirtError) in
      let operation = "virDomainSaveImageGetXMLDesc"
      try checkText(path, "path", for: operation)
      return try unsafe Self.text(operation) {
        unsafe virDomainSaveImageGetXMLDesc(connection.raw, path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE.rawValue)
      }
    }
  }
}
