public import ClusterModel
public import DaemonKit
import Foundation
public import MigfraProtocol
public import NodeWorkerCore
import YAML

/// Hosts without virtual machines: for rehearsals, demonstrations and tests where there is no libvirt.
///
/// A machine is a file `<directory>/<host>/<name>.yaml`. Moving it is one rename, so it is on exactly one host at every
/// moment. A migration takes as long as its memory needs at `bytesPerSecond`; nothing fails by itself.
public struct SimulatedHypervisor: Hypervisor {
  private let host: HostName
  private let directory: URL
  private let capacity: HostCapacity
  private let bytesPerSecond: Int
  private let progressInterval: Duration

  /// - Parameter directory: shared by all simulated hosts.
  public init(
    host: HostName, directory: String, capacity: CapacitySettings, limits: LimitSettings,
    bytesPerSecond: Int = 50 << 20
  ) throws {
    self.host = host
    self.directory = URL(fileURLWithPath: directory, isDirectory: true)
    self.capacity = capacity.applied(to: HostCapacity(memoryKiB: 64 << 20, cpus: 32))
    self.bytesPerSecond = bytesPerSecond
    progressInterval = limits.progressInterval
    try FileManager.default.createDirectory(at: folder(of: host), withIntermediateDirectories: true)
  }

  public func run(_ tell: @escaping @Sendable (HypervisorChange) -> Void) async {
    while !Task.isCancelled {
      do throws(HypervisorError) {
        tell(.inventory(HostInventory(capacity: capacity, hypervisor: "dummy", vms: try list())))
      } catch {
        tell(.lost(error.description))
      }
      // A directory that several processes write tells nothing by itself.
      try? await Task.sleep(for: .milliseconds(100))
    }
  }

  public func start(
    _ start: VMStart, _ control: OperationControl
  ) async throws(HypervisorError) -> StartedVM {
    let name: VMName
    var isTransient = false
    switch start.source {
    case .defined(let vm): name = vm
    case .xml(let xml, let transient):
      name = try define(xml, isTransient: transient)
      isTransient = transient
    }
    try change(name) { machine in
      machine.state = .running
      machine.isPersistent = !isTransient && machine.isPersistent
      machine.memoryKiB = start.memoryKiB ?? machine.memoryKiB
      machine.vcpus = start.vcpus ?? machine.vcpus
      machine.job = start.job ?? machine.job
    }
    return StartedVM(name: name, processID: nil)
  }

  public func stop(_ stop: VMStop) async throws(HypervisorError) {
    let machine = try read(stop.vm)
    if let uuid = stop.strayUUID, machine.state.isActive || machine.uuid != uuid.lowercased() {
      throw HypervisorError(.wrongState, "\(stop.vm) is active on \(host), or another machine, and stays")
    }
    if stop.undefines || !machine.isPersistent {
      try doing("removing \(stop.vm)") { try FileManager.default.removeItem(at: file(of: stop.vm, on: host)) }
    } else {
      try change(stop.vm) { $0.state = .shutOff }
    }
  }

  public func suspend(_ vm: VMName) async throws(HypervisorError) {
    try requireActive(try read(vm), "Error suspending domain")
    try change(vm) { $0.state = .paused }
  }

  public func resume(_ vm: VMName) async throws(HypervisorError) {
    try requireActive(try read(vm), "Error resuming domain")
    try change(vm) { $0.state = .running }
  }

  public func repin(_ repin: VMRepin) async throws(HypervisorError) {
    let vcpus = try read(repin.vm).vcpus
    if let flaw = repin.flaw(vcpus: vcpus, cpus: capacity.cpus, on: host) { throw HypervisorError(.refused, flaw) }
  }

  public func examine(_ order: MigrationOrder) async throws(HypervisorError) -> MigrationProspect {
    guard FileManager.default.fileExists(atPath: folder(of: order.destination).path) else {
      throw HypervisorError(.destination, "there is no simulated host \(order.destination)", mayPass: true)
    }
    if FileManager.default.fileExists(atPath: file(of: order.vm, on: order.destination).path),
      !FileManager.default.fileExists(atPath: file(of: order.vm, on: host).path)
    {
      return .alreadyThere
    }
    let machine = try read(order.vm)
    if order.type != .offline { try requireActive(machine, "Error migrating domain") }
    return .ready
  }

  public func migrate(
    _ order: MigrationOrder, _ control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async throws(HypervisorError) -> MovedVM {
    let target = file(of: order.vm, on: order.destination)
    if try await examine(order) == .alreadyThere { return MovedVM() }
    let machine = try read(order.vm)
    guard order.mayBegin else { throw order.tooLate(on: host) }
    let total = machine.memoryKiB * 1024
    let clock = ContinuousClock()
    let began = clock.now
    while true {
      guard !control.isCancelled else {
        throw HypervisorError(.cancelled, "Migration failed: cancelled; \(order.vm) runs on here, on \(host)")
      }
      let elapsed = clock.now - began
      let done = min(total, Int(elapsed.inSeconds * Double(bytesPerSecond)))
      progress(
        MigrationProgress(
          vm: order.vm, task: order.task, destination: order.destination, phase: .copying, totalBytes: total,
          doneBytes: done, remainingBytes: total - done, rate: bytesPerSecond, elapsedSeconds: elapsed.inSeconds,
          remainingSeconds: Double(total - done) / Double(bytesPerSecond)))
      if done == total { break }
      let left = Duration.seconds(Double(total - done) / Double(bytesPerSecond))
      do { try await clock.sleep(for: min(progressInterval, left)) } catch {
        throw HypervisorError(.cancelled, "the worker was stopped while \(order.vm) was moving; it runs on \(host)")
      }
    }
    try doing("moving \(order.vm) to \(order.destination)") {
      try FileManager.default.moveItem(at: file(of: order.vm, on: host), to: target)
    }
    var moved = MovedVM()
    moved.times.append(TimeMeasurement("migrate", seconds: (clock.now - began).inSeconds))
    return moved
  }

  // MARK: - Files

  private func folder(of host: HostName) -> URL { directory.appendingPathComponent(host.rawValue, isDirectory: true) }
  private func file(of vm: VMName, on host: HostName) -> URL {
    folder(of: host).appendingPathComponent("\(vm).yaml")
  }

  private func list() throws(HypervisorError) -> [VirtualMachine] {
    let names = try doing("listing machines") {
      try FileManager.default.contentsOfDirectory(atPath: folder(of: host).path).filter { $0.hasSuffix(".yaml") }
    }
    var vms: [VirtualMachine] = []
    for name in names.sorted() {
      // A machine that leaves between the listing and the reading is not here.
      if let vm = try? read(VMName(rawValue: String(name.dropLast(5)))) { vms.append(vm) }
    }
    return vms
  }

  private func read(_ vm: VMName) throws(HypervisorError) -> VirtualMachine {
    guard let bytes = FileManager.default.contents(atPath: file(of: vm, on: host).path) else {
      throw HypervisorError(.notFound, "Domain not found: no domain with matching name '\(vm)' on \(host)")
    }
    return try doing("reading \(vm)") { try VirtualMachine.decode(Array(bytes)) }
  }

  private func change(_ vm: VMName, _ change: (inout VirtualMachine) -> Void) throws(HypervisorError) {
    var machine = try read(vm)
    change(&machine)
    try write(machine)
  }

  private func write(_ machine: VirtualMachine) throws(HypervisorError) {
    try doing("writing \(machine.name)") {
      try Data(machine.encoded()).write(to: file(of: machine.name, on: host), options: .atomic)
    }
  }

  private func requireActive(_ machine: VirtualMachine, _ prefix: String) throws(HypervisorError) {
    guard machine.state.isActive else {
      throw HypervisorError(.wrongState, "\(prefix): Requested operation is not valid: domain is not running")
    }
  }

  /// Makes a machine from the few elements of libvirt's XML that matter here.
  private func define(_ xml: String, isTransient: Bool) throws(HypervisorError) -> VMName {
    func text(_ element: String) -> String? {
      guard let open = xml.range(of: "<\(element)"),
        let start = xml.range(of: ">", range: open.upperBound..<xml.endIndex),
        let end = xml.range(of: "</\(element)>", range: start.upperBound..<xml.endIndex)
      else { return nil }
      return String(xml[start.upperBound..<end.lowerBound])
    }
    guard let name = text("name").map(VMName.init(rawValue:)), name.isValid else {
      throw HypervisorError(.invalidMessage, "Could not find vm-name in xml.")
    }
    let scale = xml.contains("<memory unit='MiB'>") ? 1024 : xml.contains("<memory unit='GiB'>") ? 1 << 20 : 1
    try write(
      VirtualMachine(
        name: name, uuid: text("uuid") ?? UUID().uuidString.lowercased(), state: .shutOff,
        memoryKiB: (text("memory").flatMap(Int.init) ?? 1024) * scale, vcpus: text("vcpu").flatMap(Int.init) ?? 1,
        isPersistent: !isTransient, job: (try? DomainDescription(xml))?.job))
    return name
  }

  private func doing<T>(_ what: String, _ body: () throws -> T) throws(HypervisorError) -> T {
    do {
      return try body()
    } catch {
      throw HypervisorError(.hypervisor, "\(what) on \(host) failed: \(error.localizedDescription)")
    }
  }
}
