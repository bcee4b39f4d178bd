import MigfraProtocol

/// Sizes and places of a machine that its start asks for.
extension VMStart {
  var asksForShape: Bool { memoryKiB != nil || vcpus != nil || vcpuMap != nil || memoryNodes != nil }

  /// The machine's description with them.
  func shaped(_ xml: String) throws(HypervisorError) -> String {
    var description = try DomainDescription(xml)
    if let memoryKiB { try description.setMemory(kibibytes: memoryKiB) }
    if let vcpus { description.setVCPUs(vcpus) }
    if let vcpuMap { description.setPins(vcpuMap) }
    if let memoryNodes { description.setMemoryNodes(memoryNodes) }
    return description.text
  }
}
