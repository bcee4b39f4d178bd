import ClusterModel
import Libvirt
import MigfraProtocol
import XML

/// What a domain's XML says, and the changes that tasks ask for in it. Everything else in it stays as it is.
struct DomainDescription: Sendable, Equatable {
  private(set) var root: XMLTree

  init(_ xml: String) throws(HypervisorError) {
    do throws(XMLError) {
      root = try XMLTree(parsing: xml)
    } catch {
      throw HypervisorError(.invalidMessage, "the description of the machine cannot be read as XML: \(error)")
    }
    guard root.name == "domain" else {
      throw HypervisorError(.invalidMessage, "the description of the machine is a <\(root.name)>, not a <domain>")
    }
  }

  /// For libvirt.
  var text: String { root.description }

  var name: String? { root.first("name")?.text }
  var uuid: String? { root.first("uuid")?.text }

  /// The `<cpu>` element, if it names a model that another host can be asked for.
  var namedProcessor: String? {
    guard let cpu = root.first("cpu"), cpu.first("model") != nil else { return nil }
    return cpu.description
  }

  var machineKind: MachineKind {
    let type = root.first("os/type")
    return MachineKind(
      emulator: root.first("devices/emulator")?.text, architecture: type?["arch"], machine: type?["machine"],
      virtualisation: root["type"])
  }

  // MARK: - Sizes

  /// Sets what the guest may use at most, and that it has all of it from the start.
  mutating func setMemory(kibibytes: Int) throws(HypervisorError) {
    // libvirt adds the cells up and would ignore the other number without a word.
    guard root.elements("cpu/numa/cell").isEmpty else {
      throw HypervisorError(.refused, "the machine's memory is divided into NUMA cells and cannot be set as one size")
    }
    for element in ["memory", "currentMemory"] {
      root.change(element) { element in
        element["unit"] = "KiB"
        element.text = String(kibibytes)
      }
    }
  }

  /// Sets how many virtual CPUs there are, all of them present from the start.
  mutating func setVCPUs(_ count: Int) {
    root.change("vcpu") { element in
      element["current"] = nil
      element.text = String(count)
    }
    // States of single CPUs, which have to agree with the number.
    root.removeChildren("vcpus")
  }

  // MARK: - Places

  /// Sets the host's CPUs of each virtual CPU; earlier pins go, other tunings stay.
  mutating func setPins(_ map: VCPUMap) {
    root.change("cputune") { tune in
      tune.removeChildren("vcpupin")
      for (vcpu, cpus) in map.enumerated() {
        tune.append(XMLTree("vcpupin", ["vcpu": String(vcpu), "cpuset": list(cpus)]))
      }
    }
  }

  /// Sets the host's NUMA nodes that memory comes from, and from no other: one set for the whole machine, or one for
  /// each of its NUMA cells.
  mutating func setMemoryNodes(_ map: [[Int]]) {
    root.change("numatune") { tune in
      tune.removeChildren("memory")
      tune.removeChildren("memnode")
      if map.count == 1 {
        tune.append(XMLTree("memory", ["mode": "strict", "nodeset": list(map[0])]))
      } else {
        for (cell, nodes) in map.enumerated() {
          tune.append(XMLTree("memnode", ["cellid": String(cell), "mode": "strict", "nodeset": list(nodes)]))
        }
      }
    }
  }

  // MARK: - Label

  /// The job that the description itself names.
  var job: JobName? {
    let element = root.first("metadata")?.children.first { labelPrefixes(besides: $0).contains($0.name) }
    return element.flatMap { JobLabel.job($0.description) }
  }

  /// Labels the machine; an earlier label goes.
  mutating func setJob(_ job: JobName) {
    let old = root.first("metadata")?.children.filter { labelPrefixes(besides: $0).contains($0.name) } ?? []
    root.change("metadata") { metadata in
      for element in old { metadata.removeChildren(element.name) { $0 == element } }
      metadata.append(JobLabel.element(job))
    }
  }

  /// How the label's element may be called, by the prefixes that stand for our namespace.
  private func labelPrefixes(besides element: XMLTree) -> Set<String> {
    let declarations = [root.attributes, root.first("metadata")?.attributes ?? [], element.attributes].joined()
    return Set(
      declarations.filter { $0.value == JobLabel.namespace }.compactMap { declaration in
        if declaration.name == "xmlns" { return "job" }
        return declaration.name.hasPrefix("xmlns:") ? "\(declaration.name.dropFirst(6)):job" : nil
      })
  }

  // MARK: - Devices

  /// Devices of the host's PCI bus that are handed through.
  var hostDevices: [HostDevice] { root.elements("devices/hostdev").compactMap(HostDevice.init) }

  /// Addresses of the host that the machine has while it is active, network functions among them.
  var heldAddresses: [PCIAddress] {
    let functions = root.elements("devices/interface").filter { $0["type"] == "hostdev" }
    return hostDevices.map(\.source) + functions.compactMap { $0.first("source/address").flatMap(PCIAddress.init) }
  }

  /// Hands other devices of a host through in place of those at these addresses; the guest finds them where the old were.
  mutating func moveHostDevices(_ addresses: [PCIAddress: PCIAddress]) {
    root.change("devices") { devices in
      devices.changeAll("hostdev") { element in
        guard let device = HostDevice(element), let new = addresses[device.source] else { return }
        element.change("source") { $0.content = [.element(new.element)] }
      }
    }
  }

  func hasDevice(alias: String) -> Bool {
    root.first("devices")?.children.contains { $0.first("alias")?["name"] == alias } == true
  }

  /// Pieces of memory that the machine shares with others.
  var sharedMemory: [SharedMemoryDevice] { root.elements("devices/shmem").compactMap(SharedMemoryDevice.init) }
}

/// A list of numbers as libvirt reads it: "0,2,3".
private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }
