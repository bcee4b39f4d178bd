import YAML

extension PCIDeviceID {
  var node: YAMLNode { .mapping([("vendor", .hexadecimal(vendor)), ("device", .hexadecimal(device))]) }
}

extension MappingReader {
  /// `pci-ids: [{vendor: 0x15b3, device: 0x1004}]`
  mutating func pciIDs() throws(YAMLError) -> [PCIDeviceID] {
    guard asksFor("pci-ids") else { return [] }
    let ids = try list("pci-ids") { entry throws(YAMLError) in
      PCIDeviceID(vendor: try entry.required("vendor"), device: try entry.required("device"))
    }
    return try few(ids ?? [], "pci-ids")
  }

  /// `devs: [{pci-addr: "0000:04:00.0"}]`
  mutating func pciAddresses() throws(YAMLError) -> [PCIAddress] {
    guard asksFor("devs") else { return [] }
    let addresses = try list("devs") { entry throws(YAMLError) -> PCIAddress in
      let text = try entry.required("pci-addr", as: String.self)
      guard let address = PCIAddress(text) else {
        throw entry.error("expected a PCI address such as 0000:04:00.0, found '\(text)'", key: "pci-addr")
      }
      return address
    }
    let found = try few(addresses ?? [], "devs")
    guard Set(found).count == found.count else { throw error("names a device twice", key: "devs") }
    return found
  }

  /// `ivshmem: {id: a, size: 16}`; the reference's `path` has no meaning there either.
  mutating func sharedMemory() throws(YAMLError) -> SharedMemory? {
    guard asksFor("ivshmem"), var reader = try reader("ivshmem") else { return nil }
    let id = try reader.required("id", as: String.self)
    guard (1...64).contains(id.utf8.count),
      id.unicodeScalars.allSatisfy({
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) || "-_.".unicodeScalars.contains($0)
      }),
      id.first != "."
    else {
      throw reader.error("expected 1 to 64 letters, digits, '-', '_', '.'", key: "id")
    }
    let size = try reader.requiredCount("size")
    guard (1...1 << 20).contains(size), size.nonzeroBitCount == 1 else {
      throw reader.error("expected MiB, a power of two", key: "size")
    }
    _ = try reader.optional("path", as: String.self)
    absorb(reader)
    return SharedMemory(id: id, sizeMiB: size)
  }

  private func few<Item>(_ items: [Item], _ key: String) throws(YAMLError) -> [Item] {
    guard items.count <= 64 else { throw error("more than 64 devices", key: key) }
    return items
  }
}
