import MigfraProtocol

/// Changes in the description of a domain as libvirt writes it: one element a line, two blanks deep for those of the
/// domain itself. Not for XML that somebody else wrote.
enum DomainXML {
  /// The same machine with these pins instead of its own; nil: it has no line for its virtual CPUs.
  static func pinned(_ xml: String, to map: VCPUMap) -> String? {
    var lines = xml.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let pins = map.enumerated().map { vcpu, cpus in
      "    <vcpupin vcpu='\(vcpu)' cpuset='\(cpus.map(String.init).joined(separator: ","))'/>"
    }
    lines.removeAll { $0.hasPrefix("    <vcpupin ") }
    if let tune = lines.firstIndex(of: "  <cputune>") {
      lines.insert(contentsOf: pins, at: tune + 1)
    } else if let vcpu = lines.firstIndex(where: { $0.hasPrefix("  <vcpu ") || $0.hasPrefix("  <vcpu>") }) {
      lines.insert(contentsOf: ["  <cputune>"] + pins + ["  </cputune>"], at: vcpu + 1)
    } else {
      return nil
    }
    return lines.joined(separator: "\n")
  }
}
