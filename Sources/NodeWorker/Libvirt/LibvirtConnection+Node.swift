import CLibvirt

extension LibvirtConnection {
  /// What the host is and has. A daemon that has just started may need a second to find out.
  public func node() async throws(LibvirtError) -> NodeRecord {
    try await perform { connection throws(LibvirtError) in
      let hostname = try unsafe Self.text("virConnectGetHostname") { unsafe virConnectGetHostname(connection.raw) }
      var info = virNodeInfo()
      guard unsafe virNodeGetInfo(connection.raw, &info) == 0 else { throw .last("virNodeGetInfo") }
      guard let type = unsafe virConnectGetType(connection.raw) else { throw .last("virConnectGetType") }
      var library: UInt = 0
      guard unsafe virConnectGetLibVersion(connection.raw, &library) == 0 else {
        throw .last("virConnectGetLibVersion")
      }
      // These three are extras that a driver need not have.
      var hypervisor: UInt = 0
      let hasHypervisor = unsafe virConnectGetVersion(connection.raw, &hypervisor) == 0 && hypervisor > 0
      let free = unsafe virNodeGetFreeMemory(connection.raw)
      let model = Self.cpuModel(of: connection)
      let architecture = unsafe withUnsafeBytes(of: info.model) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      return unsafe NodeRecord(
        hostname: hostname, memory: UInt64(info.memory), cpus: Int(info.cpus), cpuModel: model ?? architecture,
        architecture: architecture, libvirtVersion: Self.version(library),
        hypervisorVersion: hasHypervisor ? Self.version(hypervisor) : nil, hypervisorType: String(cString: type),
        freeMemory: free > 0 ? free / 1024 : nil)
    }
  }

  /// libvirt packs a version into one number: a million for the major, a thousand for the minor.
  static func version(_ number: UInt) -> String {
    "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
  }

  private static func cpuModel(of connection: ConnectionPointer) -> String? {
    // Without capabilities there is no model, and the caller has the architecture.
    guard let text = try? unsafe text("virConnectGetCapabilities", { unsafe virConnectGetCapabilities(connection.raw) })
    else { return nil }
    return hostCPUModel(inCapabilities: text)
  }

  /// The text of `<model>` directly in `<capabilities><host><cpu>`.
  ///
  /// libvirt writes this document itself, one element to a line; a full XML parser for one word is not worth it.
  static func hostCPUModel(inCapabilities text: String) -> String? {
    var isInHost = false
    var isInCPU = false
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.drop(while: \.isWhitespace)
      if line.hasPrefix("<host>") { isInHost = true }
      if line.hasPrefix("</host>") { return nil }
      if isInHost, line.hasPrefix("<cpu>") { isInCPU = true }
      if line.hasPrefix("</cpu>") { return nil }
      if isInCPU, line.hasPrefix("<model>"), line.hasSuffix("</model>") {
        return String(line.dropFirst("<model>".count).dropLast("</model>".count))
      }
    }
    return nil
  }
}
