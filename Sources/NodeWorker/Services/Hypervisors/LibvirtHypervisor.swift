public import BlockingPool
public import ClusterModel
public import DaemonKit
import Foundation
import Libvirt
import MigfraProtocol
import NodeWorkerCore
import Readiness
import Synchronization

/// The host's libvirt.
///
/// One connection carries queries and events for as long as it lives; each migration has one of its own, so that its
/// long call delays nothing else.
public final class LibvirtHypervisor: Hypervisor {
  let host: HostName
  let settings: HypervisorSettings
  let progressInterval: Duration
  let migrationPolicy: MigrationPolicySettings
  /// How long a destination that is silent is waited for when the machine is kept in an image.
  let imagePatience: Duration
  let rdma: RDMA
  let probe: BannerProbe
  /// For calls that answer soon.
  let controlPool: BlockingPool
  /// For migrations, which block a thread until the machine has moved.
  let migrationPool: BlockingPool
  private let capacity: CapacitySettings
  private let current = Mutex<LibvirtConnection?>(nil)

  /// - Parameter calls: runs what answers soon.
  public init(
    host: HostName, settings: HypervisorSettings, capacity: CapacitySettings, limits: LimitSettings,
    migration: MigrationPolicySettings = MigrationPolicySettings(), imagePatience: Duration = .seconds(120),
    calls: BlockingPool = BlockingPool(name: "libvirt", threads: 4)
  ) {
    self.host = host
    self.settings = settings
    self.capacity = capacity
    progressInterval = limits.progressInterval
    migrationPolicy = migration
    self.imagePatience = imagePatience
    rdma = RDMA(settings)
    controlPool = calls
    // One for the move itself and one for the questions to the destination, of each.
    migrationPool = BlockingPool(name: "migration", threads: 2 * LimitSettings.mostMigrations)
    probe = BannerProbe(pool: BlockingPool(name: "probe", threads: limits.parallelStarts))
  }

  public func run(_ tell: @escaping @Sendable (HypervisorChange) -> Void) async {
    var pause = Duration.milliseconds(200)
    while !Task.isCancelled {
      do throws(LibvirtError) {
        let connection = try await LibvirtConnection.open(settings.localURI, pool: controlPool)
        pause = .milliseconds(200)
        await follow(connection, tell)
        current.withLock { $0 = nil }
        await connection.close()
      } catch {
        tell(.lost("\(settings.localURI): \(error)"))
      }
      try? await Task.sleep(for: pause)  // cancellation ends the loop
      pause = min(pause * 2, .seconds(5))
    }
  }

  /// Tells the inventory after each event until the connection is lost.
  private func follow(_ connection: LibvirtConnection, _ tell: @Sendable (HypervisorChange) -> Void) async {
    do throws(LibvirtError) {
      let events = try await connection.events()
      let node = try await connection.node()
      current.withLock { $0 = connection }
      var labels = JobLabels()
      tell(.inventory(try await inventory(of: connection, node, &labels)))
      for await event in events {
        switch event {
        case .connectionClosed(let reason):
          tell(.lost(reason))
          return
        case .lifecycle(let uuid, _, _, _): labels.forget(uuid)
        case .jobCompleted, .deviceRemoved: break
        }
        tell(.inventory(try await inventory(of: connection, node, &labels)))
      }
    } catch {
      tell(.lost("\(error)"))
    }
  }

  private func inventory(
    of connection: LibvirtConnection, _ node: NodeRecord, _ labels: inout JobLabels
  ) async throws(LibvirtError) -> HostInventory {
    let records = try await connection.domains()
    let jobs = try await labels.read(of: records, on: connection)
    let vms = records.map { virtualMachine($0, job: jobs[$0.uuid]) }.sorted { $0.name < $1.name }
    let machine = HostCapacity(memoryKiB: Int(clamping: node.memory), cpus: node.cpus)
    let version = node.hypervisorVersion.map { " \($0)" } ?? ""
    return HostInventory(
      capacity: capacity.applied(to: machine), hypervisor: "\(node.hypervisorType)\(version)", vms: vms)
  }

  private func virtualMachine(_ record: DomainRecord, job: JobName?) -> VirtualMachine {
    let state: VirtualMachine.State =
      switch record.state {
      case .running, .blocked: .running
      case .paused where record.isArriving: .arriving
      case .paused, .suspended: .paused
      case .shutOff: .shutOff
      case .crashed: record.isActive ? .other : .crashed
      case .noState, .shuttingDown: record.isActive ? .other : .shutOff
      }
    return VirtualMachine(
      name: VMName(rawValue: record.name), uuid: record.uuid, state: state, memoryKiB: Int(clamping: record.memory),
      vcpus: record.vcpus, isPersistent: record.isPersistent,
      processID: record.isActive ? processID(of: record.name) : nil, job: job)
  }

  /// QEMU's process id, which libvirtd keeps in a file; libvirt's API does not tell it.
  func processID(of name: String) -> Int? {
    FileManager.default.contents(atPath: "/run/libvirt/qemu/\(name).pid").flatMap { bytes in
      Int(String(decoding: bytes, as: UTF8.self).filter(\.isNumber))
    }
  }

  /// The standing connection.
  func connection() throws(HypervisorError) -> LibvirtConnection {
    guard let connection = current.withLock({ $0 }) else {
      throw HypervisorError(
        .hypervisorLost, "libvirt on \(host) (\(settings.localURI)) cannot be reached; is libvirtd running?",
        mayPass: true)
    }
    return connection
  }

  /// The machine as libvirt has it; its own words if there is none.
  func domain(_ vm: VMName, on connection: LibvirtConnection) async throws(HypervisorError) -> DomainRecord {
    let found = try await asking("looking up \(vm)") { () throws(LibvirtError) in
      try await connection.domain(.name(vm.rawValue))
    }
    guard let found else { throw notFound(vm) }
    return found
  }

  func notFound(_ vm: VMName) -> HypervisorError {
    HypervisorError(.notFound, "Domain not found: no domain with matching name '\(vm)' on \(host)")
  }

  /// Runs libvirt calls, and says what was being done when one fails.
  func asking<T: Sendable>(
    _ what: String, _ body: () async throws(LibvirtError) -> T
  ) async throws(HypervisorError) -> T {
    do throws(LibvirtError) {
      return try await body()
    } catch {
      throw HypervisorError(error, while: "\(what) on \(host)")
    }
  }
}

extension HypervisorError {
  init(_ error: LibvirtError, while what: String) {
    let code: ErrorCode =
      if error.isConnectionLost {
        .hypervisorLost
      } else if error.isNoDomain {
        .notFound
      } else if error.isOperationInvalid {
        .wrongState
      } else if error.isUnsupported {
        .unsupported
      } else {
        .hypervisor
      }
    self.init(code, "\(what): \(error.message) (\(error.operation))", mayPass: error.isRetryable)
  }
}

extension DomainRecord {
  /// Whether the machine itself is here.
  var isHere: Bool { isActive && !isArriving }
}
