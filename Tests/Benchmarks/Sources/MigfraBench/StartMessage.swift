import YAML
import Yams

/// `start4k`: a VM started by its XML, with two PCI devices by their ids.
struct StartMessage: BenchMessage {
  struct PCIID: Codable, Equatable {
    var vendor: UInt32
    var device: UInt32
  }

  struct VM: Codable, Equatable {
    enum CodingKeys: String, CodingKey {
      case xml
      case pciIDs = "pci-ids"
      case transient
    }

    var xml: String
    var pciIDs: [PCIID]
    var transient: Bool
  }

  enum CodingKeys: String, CodingKey {
    case host, task, id
    case configurations = "vm-configurations"
  }

  var host: String
  var task: String
  var id: String
  var configurations: [VM]

  static let xml: String = {
    let disks = (0..<15).map { number in
      """
          <disk type='file' device='disk'>
            <driver name='qemu' type='qcow2' cache='none'/>
            <source file='/var/lib/libvirt/images/vm-0042-\(number).qcow2'/>
            <target dev='vd\(Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(number))))' bus='virtio'/>
            <address type='pci' domain='0x0000' bus='0x00'/>
          </disk>

      """
    }.joined()
    return """
      <domain type='kvm'>
        <name>vm-0042</name>
        <memory unit='KiB'>4194304</memory>
        <vcpu placement='static'>4</vcpu>
        <devices>
      \(disks)  </devices>
      </domain>

      """
  }()

  static let text: String = {
    let indented = xml.split(separator: "\n").map { "      \($0)\n" }.joined()
    return """
      host: node-017
      task: start vm
      id: 3f0c2a9e-5d1b-4c1e-9b57-0d6a1c2e8f44
      vm-configurations:
        - xml: |
      \(indented)    pci-ids:
            - vendor: 0x15b3
              device: 0x1004
            - vendor: 0x8086
              device: 0x10ed
          transient: true

      """
  }()
}

extension StartMessage {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    host = try reader.required("host")
    task = try reader.required("task")
    id = try reader.required("id")
    guard let configurations = try reader.list("vm-configurations", VM.init) else {
      throw reader.error("required", key: "vm-configurations")
    }
    self.configurations = configurations
  }

  init(_ node: Yams.Node) throws {
    host = try node.required("host", \.string)
    task = try node.required("task", \.string)
    id = try node.required("id", \.string)
    configurations = try node.list("vm-configurations") { vm in
      VM(
        xml: try vm.required("xml", \.string),
        pciIDs: try vm.list("pci-ids") { id in
          func number(_ key: String) throws -> UInt32 { UInt32(truncatingIfNeeded: try id.required(key, \.int)) }
          return PCIID(vendor: try number("vendor"), device: try number("device"))
        },
        transient: try vm.required("transient", \.bool))
    }
  }

  var yaml: YAMLNode {
    .mapping([
      ("host", .string(host)), ("task", .string(task)), ("id", .string(id)),
      ("vm-configurations", .sequence(configurations.map(\.yaml))),
    ])
  }
}

extension StartMessage.VM {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    xml = try reader.required("xml")
    pciIDs =
      try reader.list("pci-ids") { (id) throws(YAMLError) in
        StartMessage.PCIID(vendor: try id.required("vendor"), device: try id.required("device"))
      } ?? []
    transient = try reader.required("transient")
  }

  var yaml: YAMLNode {
    let ids = pciIDs.map { YAMLNode.mapping([("vendor", .integer($0.vendor)), ("device", .integer($0.device))]) }
    return .mapping([
      ("xml", .string(xml)), ("pci-ids", .sequence(ids)), ("transient", .boolean(transient)),
    ])
  }
}
