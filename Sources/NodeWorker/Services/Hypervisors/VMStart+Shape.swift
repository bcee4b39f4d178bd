import MigfraProtocol

/// Sizes, places and the label of a machine that its start asks for.
extension VMStart {
  var asksForShape: Bool {
    memoryKiB != nil || vcpus != nil || vcpuMap != nil || memoryNodes != nil || job != nil
  }

  /// The machine's description with them.
  func shaped(_ xml: String) throws(HypervisorError) -> String {
    var description = try DomainDescription(xml)
    if let memoryKiB { try description.setMemory(kibibytes: memoryKiB) }
    if let vcpus { description.setVCPUs(vcpus) }
    if let vcpuMap { description.setPins(vcpuMap) }
    if let memoryNodes { description.setMemoryNodes(memoryNodes) }
    if let job { description.setJob(job) }
    return description.text
  }
}
