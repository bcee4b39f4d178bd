import ClusterModel
import MigfraProtocol
import Testing

@testable import NodeWorkerServices

@Suite("Choosing devices")
struct DevicePoolTests {
  private static let edu = PCIDeviceID(vendor: 0x1234, device: 0x11e8)
  private static let nic = PCIDeviceID(vendor: 0x8086, device: 0x10d3)

  private static func at(_ slot: Int) -> PCIAddress { PCIAddress(domain: 0, bus: 0, slot: slot, function: 0) }

  /// Three of one type at slots 16, 20 and 24, one of another at 23.
  private func pool(held: [Int] = [], drivers: [Int: String] = [:]) -> DevicePool {
    let devices = [(20, Self.edu), (16, Self.edu), (23, Self.nic), (24, Self.edu)].map { slot, id in
      DevicePool.Device(address: Self.at(slot), id: id, driver: drivers[slot])
    }
    let holders = held.enumerated().map { (Self.at($1), VMName(rawValue: "vm\($0 + 1)")) }
    return DevicePool(host: "node1", devices: devices, holders: Dictionary(uniqueKeysWithValues: holders))
  }

  @Test(
    "Each gets a free device of its type, in the order of the bus, and no two the same",
    arguments: [
      ([edu], [], [16]), ([edu, edu], [], [16, 20]), ([nic, edu, edu, edu], [], [23, 16, 20, 24]),
      ([edu], [16], [20]), ([edu, nic], [16, 20], [24, 23]), ([], [16, 20, 23, 24], []),
    ] as [([PCIDeviceID], [Int], [Int])])
  func choice(ids: [PCIDeviceID], held: [Int], expected: [Int]) throws {
    #expect(try pool(held: held).choose(ids) == expected.map(Self.at))
  }

  @Test("A device that the host itself may use is taken last")
  func usedByHost() throws {
    let pool = pool(drivers: [16: "e1000e", 20: "vfio-pci"])
    #expect(try pool.choose([Self.edu, Self.edu, Self.edu]) == [20, 24, 16].map(Self.at))
  }

  @Test("A reserved device is not free")
  func reserved() throws {
    #expect(try pool().choose([Self.edu], reserved: [Self.at(16)]) == [Self.at(20)])
  }

  @Test(
    "A shortage names the type, the host, how many there are and who has them",
    arguments: [
      (
        [edu], [16, 20, 24],
        "no free PCI device 1234:11e8 on node1: of 3, vm1 has 0000:00:10.0, vm2 has 0000:00:14.0, vm3 has 0000:00:18.0"
      ),
      (
        [edu, edu], [16, 20],
        "no free PCI device 1234:11e8 on node1 (2 are asked for): of 3, vm1 has 0000:00:10.0, vm2 has 0000:00:14.0"
      ),
      ([nic, nic], [], "no free PCI device 8086:10d3 on node1 (2 are asked for): there is 1"),
      ([PCIDeviceID(vendor: 1, device: 2)], [], "no free PCI device 0001:0002 on node1: the host has none"),
    ] as [([PCIDeviceID], [Int], String)])
  func shortage(ids: [PCIDeviceID], held: [Int], expected: String) {
    let error = #expect(throws: HypervisorError.self) { try pool(held: held).choose(ids) }
    #expect(error?.code == .devices)
    #expect(error?.description == expected)
  }

  @Test("An address is refused when there is nothing, or somebody has it")
  func exact() throws {
    try pool(held: [16]).check(Self.at(20))
    let taken = #expect(throws: HypervisorError.self) { try pool(held: [16]).check(Self.at(16)) }
    #expect(taken?.description == "PCI device 0000:00:10.0 on node1 is not free: vm1 has it")
    let absent = #expect(throws: HypervisorError.self) { try pool().check(Self.at(1)) }
    #expect(absent?.description == "there is no PCI device 0000:00:01.0 on node1")
  }
}
