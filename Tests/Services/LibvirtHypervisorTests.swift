import ClusterModel
import DaemonKit
import MigfraProtocol
import NodeWorkerCore
import NodeWorkerServices
import Synchronization
import TestSupport
import Testing

/// What the hypervisor told last.
private final class Latest: Sendable {
  let inventory = Mutex<HostInventory?>(nil)
}

/// Against libvirt's own test driver: real libvirt, no machines.
@Suite("The libvirt hypervisor, on the test driver", .timeLimit(.minutes(10)))
struct LibvirtHypervisorTests {
  /// A host of the driver's own: the one of test:///default is shared by the whole process.
  private func settings(in folder: TemporaryFolder) throws -> HypervisorSettings {
    try folder.write(
      """
      <node><cpu><mhz>3000</mhz><active>4</active><model>i686</model><nodes>1</nodes><sockets>1</sockets>
      <cores>4</cores><threads>1</threads></cpu><memory>8192000</memory></node>
      """, to: "host.xml")
    var settings = HypervisorSettings()
    settings.uri = "test://\(folder.file("host.xml"))"
    return settings
  }

  /// Runs `body` on a driver of its own, with the inventories that were told so far.
  private func with(
    saved: String? = nil, content: String = "LibvirtQemudSave",
    _ body: @Sendable (LibvirtHypervisor, @escaping @Sendable () -> HostInventory?) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    var settings = try settings(in: folder)
    if let saved {
      try folder.write(content, to: saved)
      settings.sharedDirectory = folder.file("")
    }
    let hypervisor = LibvirtHypervisor(
      host: "node1", settings: settings, capacity: CapacitySettings(), limits: LimitSettings())
    let latest = Latest()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await hypervisor.run { change in
          if case .inventory(let inventory) = change { latest.inventory.withLock { $0 = inventory } }
        }
      }
      try await eventually("inventory") { latest.inventory.withLock { $0 } != nil }
      try await body(hypervisor) { latest.inventory.withLock { $0 } }
      group.cancelAll()
    }
  }

  @Test("A saved machine is in doubt when its destination is silent, and its image is named")
  func savedAndSilent() async throws {
    let folder = try TemporaryFolder()
    try folder.write("LibvirtQemudSave", to: "vm1@node1.migfra-save")
    var settings = try settings(in: folder)
    settings.sharedDirectory = folder.file("")
    let hypervisor = LibvirtHypervisor(
      host: "node1", settings: settings, capacity: CapacitySettings(), limits: LimitSettings(), imagePatience: .zero)
    await withTaskGroup(of: Void.self) { group in
      let latest = Latest()
      group.addTask {
        await hypervisor.run { change in
          if case .inventory(let inventory) = change { latest.inventory.withLock { $0 = inventory } }
        }
      }
      _ = try? await eventually("inventory") { latest.inventory.withLock { $0 } != nil }
      var order = MigrationOrder(vm: "vm1", destination: "127.0.0.1", type: .offline)
      order.tuning.transport = .tcp
      do throws(HypervisorError) {
        _ = try await hypervisor.examine(order)
        Issue.record("nobody listens there")
      } catch {
        #expect(error.code == .inDoubt && error.description.contains("vm1@node1.migfra-save"), "\(error)")
        #expect(error.mayPass, "the destination may come back")
      }
      group.cancelAll()
    }
  }

  private func xml(_ name: String) -> String {
    """
    <domain type='test'><name>\(name)</name><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>
    """
  }

  @Test("Machines are started, suspended, resumed and stopped, and each change is told by an event")
  func lifecycle() async throws {
    try await with { hypervisor, inventory in
      #expect(inventory()?.capacity == HostCapacity(memoryKiB: 8_192_000 - 512 * 1024, cpus: 4))
      let started = try await hypervisor.start(
        VMStart(source: .xml(xml("vm1"), isTransient: false), awaitsSSH: false), OperationControl())
      #expect(started.name == "vm1")
      try await eventually("running machine") { inventory()?.vms.first?.state == .running }
      #expect(inventory()?.vms.first?.memoryKiB == 65536)
      #expect(inventory()?.vms.first?.vcpus == 2)
      let again = try await hypervisor.start(VMStart(source: .defined("vm1"), awaitsSSH: false), OperationControl())
      #expect(again.name == "vm1", "already running is success")
      try await hypervisor.suspend("vm1")
      try await eventually("paused machine") { inventory()?.vms.first?.state == .paused }
      try await hypervisor.suspend("vm1")
      try await hypervisor.resume("vm1")
      try await eventually("running machine") { inventory()?.vms.first?.state == .running }
      try await hypervisor.stop(VMStop(vm: "vm1"))
      try await eventually("machine that is off") { inventory()?.vms.first?.state == .shutOff }
      try await hypervisor.stop(VMStop(vm: "vm1", undefines: true))
      try await eventually("machine forgotten") { inventory()?.vms == [] }
    }
  }

  @Test("As a stray a definition goes that is off and has the UUID; nothing that runs, nor another machine")
  func stray() async throws {
    try await with { hypervisor, inventory in
      _ = try await hypervisor.start(
        VMStart(source: .xml(xml("vm1"), isTransient: false), awaitsSSH: false), OperationControl())
      let uuid = try await eventually("machine") { inventory()?.vms.first?.uuid }
      let stop = VMStop(vm: "vm1", isForced: true, undefines: true, strayUUID: uuid)
      for wrong in [stop, VMStop(vm: "vm1", isForced: true, undefines: true, strayUUID: "\(uuid)0")] {
        do throws(HypervisorError) {
          try await hypervisor.stop(wrong)
          Issue.record("a machine that runs was touched")
        } catch {
          #expect(error.code == .wrongState, "\(error)")
        }
      }
      #expect(inventory()?.vms.map(\.state) == [.running] && inventory()?.vms.first?.isPersistent == true)
      try await hypervisor.stop(VMStop(vm: "vm1", isForced: true))
      try await eventually("machine that is off") { inventory()?.vms.first?.state == .shutOff }
      try await hypervisor.stop(stop)
      try await eventually("machine forgotten") { inventory()?.vms == [] }
    }
  }

  @Test("Saved for an exchange by a worker that was killed before it said so: saved, though the destination is silent")
  func savedBefore() async throws {
    try await with(saved: "vm1@node1.migfra-save") { hypervisor, _ in
      var order = MigrationOrder(vm: "vm1", destination: "127.0.0.1", type: .offline)
      order.tuning.transport = .tcp
      order.tuning.offlineStage = .save
      #expect(try await hypervisor.examine(order) == .ready)
      _ = try await hypervisor.migrate(order, OperationControl()) { _ in }
    }
  }

  @Test("What a power failure has left of an image is no machine: neither saved, nor in the way of a start")
  func incomplete() async throws {
    try await with(saved: "vm1@node1.migfra-save", content: "LibvirtQemudPart") { hypervisor, _ in
      var order = MigrationOrder(vm: "vm1", destination: "127.0.0.1", type: .offline)
      order.tuning.transport = .tcp
      order.tuning.offlineStage = .save
      do throws(HypervisorError) {
        _ = try await hypervisor.examine(order)
        Issue.record("taken for saved")
      } catch {
        #expect(error.code == .destination, "\(error)")
      }
      _ = try await hypervisor.start(
        VMStart(source: .xml(xml("vm1"), isTransient: false), awaitsSSH: false), OperationControl())
    }
  }

  @Test(
    "A machine that is saved, and started before it went home, is not started beside its image, whoever has saved it",
    arguments: [
      "vm1@node1.migfra-save", "vm1@node7.migfra-save", "vm1@node1.migfra-restoring", "vm1@node1.migfra-paused",
    ])
  func startedWhileSaved(image: String) async throws {
    try await with(saved: image) { hypervisor, inventory in
      for isTransient in [true, false] {
        do throws(HypervisorError) {
          _ = try await hypervisor.start(
            VMStart(source: .xml(xml("vm1"), isTransient: isTransient), awaitsSSH: false), OperationControl())
          Issue.record("started, and what it had in its memory is lost")
        } catch {
          #expect(error.code == .wrongState && error.description.contains(image), "\(error)")
        }
      }
      // It is defined for a moment, and an inventory may have been taken then.
      try await eventually("no machine in the inventory") { inventory()?.vms == [] }
      _ = try await hypervisor.start(
        VMStart(source: .xml(xml("vm2"), isTransient: false), awaitsSSH: false), OperationControl())
    }
  }

  @Test("A start that fails half-way is undone, and the error says so")
  func undo() async throws {
    try await with { hypervisor, inventory in
      var start = VMStart(source: .xml(xml("vm2"), isTransient: false), probeHostname: "no-such-host.invalid")
      start.awaitsSSH = true
      // Only a timeout ends the probe, and a minute is too long for a test: an impossible name fails at once.
      start.probeHostname = ""
      let error = await #expect(throws: HypervisorError.self) { try await hypervisor.start(start, OperationControl()) }
      #expect(
        error?.description.contains("stopped again, its definition removed") == true, "\(String(describing: error))")
      try await eventually("nothing left") { inventory()?.vms == [] }
    }
  }

  @Test("Errors keep libvirt's own words")
  func errors() async throws {
    try await with { hypervisor, _ in
      let unknown = await #expect(throws: HypervisorError.self) { try await hypervisor.suspend("nobody") }
      #expect(unknown?.code == .notFound)
      #expect(unknown?.description == "Domain not found: no domain with matching name 'nobody' on node1")
      _ = try await hypervisor.start(
        VMStart(source: .xml(xml("vm3"), isTransient: false), awaitsSSH: false), OperationControl())
      try await hypervisor.stop(VMStop(vm: "vm3", isForced: true))
      let off = await #expect(throws: HypervisorError.self) { try await hypervisor.suspend("vm3") }
      #expect(off?.description.hasPrefix("Error suspending domain: ") == true)
      let broken = await #expect(throws: HypervisorError.self) {
        try await hypervisor.start(
          VMStart(source: .xml("<domain/>", isTransient: false), awaitsSSH: false), OperationControl())
      }
      #expect(broken?.description.contains("Error defining domain") == true)
    }
  }

  @Test("Sizes are set before the start, and pins are checked before the first is set")
  func sizesAndPins() async throws {
    try await with { hypervisor, inventory in
      _ = try await hypervisor.start(
        VMStart(source: .xml(xml("vm4"), isTransient: false), memoryKiB: 131_072, vcpus: 4, awaitsSSH: false),
        OperationControl())
      try await eventually("running machine") { inventory()?.vms.first?.state == .running }
      #expect(inventory()?.vms.first?.memoryKiB == 131_072)
      #expect(inventory()?.vms.first?.vcpus == 4)
      try await hypervisor.repin(VMRepin(vm: "vm4", map: [[0], [1], [2], [3]]))
      let beyond = await #expect(throws: HypervisorError.self) {
        try await hypervisor.repin(VMRepin(vm: "vm4", map: [[0], [4]]))
      }
      #expect(beyond?.description == "vcpu-map[1] names CPU 4, node1 has 4, 0 to 3")
      let tooMany = await #expect(throws: HypervisorError.self) {
        try await hypervisor.repin(VMRepin(vm: "vm4", map: [[0], [1], [2], [3], [0]]))
      }
      #expect(tooMany?.description == "vcpu-map names 5 virtual CPUs, vm4 has 4")
    }
  }

  @Test("The job of a machine is told, whether its start or its own description names it, also when it is off")
  func job() async throws {
    try await with { hypervisor, inventory in
      func jobs() -> [JobName?]? { inventory()?.vms.map(\.job) }
      var start = VMStart(source: .xml(xml("vm1"), isTransient: false), awaitsSSH: false)
      start.job = "mpi & 17"
      _ = try await hypervisor.start(start, OperationControl())
      try await eventually("the task's label") { jobs() == ["mpi & 17"] }
      try await hypervisor.stop(VMStop(vm: "vm1"))
      try await eventually("off, and labelled") {
        inventory()?.vms.first?.state == .shutOff && jobs() == ["mpi & 17"]
      }
      var again = VMStart(source: .defined("vm1"), awaitsSSH: false)
      again.job = "other"
      _ = try await hypervisor.start(again, OperationControl())
      try await eventually("another label") { jobs() == ["other"] }
      let untouched = try await hypervisor.start(again, OperationControl())
      #expect(untouched.details == "it runs already; not touched: its job")
      let own = xml("vm2").replacing(
        "</domain>", with: "<metadata><j:job xmlns:j='urn:migfra:job'>own</j:job></metadata></domain>")
      _ = try await hypervisor.start(
        VMStart(source: .xml(own, isTransient: true), awaitsSSH: false), OperationControl())
      try await eventually("its own label") { jobs() == ["other", "own"] }
    }
  }

  @Test("A transient machine's XML, too, gets the sizes and places of the task")
  func transientShape() async throws {
    try await with { hypervisor, inventory in
      var start = VMStart(source: .xml(xml("vm5"), isTransient: true), memoryKiB: 131_072, vcpus: 3, awaitsSSH: false)
      start.vcpuMap = [[0], [1, 2], [3]]
      _ = try await hypervisor.start(start, OperationControl())
      try await eventually("running machine") { inventory()?.vms.first?.state == .running }
      #expect(inventory()?.vms.first?.memoryKiB == 131_072)
      #expect(inventory()?.vms.first?.vcpus == 3)
      #expect(inventory()?.vms.first?.isPersistent == false)
    }
  }

  @Test("A start that is cancelled while the guest comes up is undone")
  func cancelledStart() async throws {
    try await with { hypervisor, inventory in
      let control = OperationControl()
      let start = VMStart(source: .xml(xml("vm6"), isTransient: false), probeHostname: "192.0.2.1")
      async let outcome = Result { () async throws(HypervisorError) in try await hypervisor.start(start, control) }
      try await eventually("running machine") { inventory()?.vms.first?.state == .running }
      control.cancel()
      guard case .failure(let error) = await outcome else {
        Issue.record("it started")
        return
      }
      #expect(error.code == .cancelled)
      #expect(error.description.contains("stopped again, its definition removed"), "\(error)")
      try await eventually("nothing left") { inventory()?.vms == [] }
    }
  }
}

extension Result where Failure == HypervisorError, Success: Sendable {
  fileprivate init(_ body: () async throws(HypervisorError) -> Success) async {
    do throws(HypervisorError) { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
