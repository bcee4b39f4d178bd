import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// A machine as a hypervisor knows it.
struct Machine: Sendable {
  let name: VMName
  /// GiB.
  let memory: Int
  var state: VirtualMachine.State
  let isPersistent: Bool
  /// What it is labelled with.
  let label: JobName?
  /// The hypervisor's job that moves or saves it.
  var job: Int?

  init(_ name: VMName, memory: Int, isOff: Bool, isPersistent: Bool, label: JobName? = nil) {
    self.name = name
    self.memory = memory
    state = isOff ? .shutOff : .running
    self.isPersistent = isPersistent || isOff
    self.label = label
  }

  /// What somebody has who defines it elsewhere.
  var definition: Machine { Machine(name, memory: memory, isOff: true, isPersistent: true, label: label) }

  var isActive: Bool { state.isActive || state == .arriving }
  /// It runs, or is paused, here and not only on its way.
  var isHere: Bool { state.isActive }

  var reported: VirtualMachine {
    VirtualMachine(
      name: name, uuid: "uuid-\(name)", state: state, memoryKiB: memory << 20, vcpus: 1, isPersistent: isPersistent,
      job: label)
  }
}

/// A machine on the storage that all hosts share.
struct Image: Sendable {
  /// The machine, and the host that has saved it.
  struct Name: Hashable, Sendable {
    let vm: VMName
    let host: HostName
  }

  let machine: Machine
  /// Somebody has begun to read it: what is in it may be old.
  var isBeingRestored = false
}

/// A host: its power, its memory, and what its hypervisor has.
struct SimulatedHost: Sendable {
  /// GiB.
  let memory: Int
  let cpus: Int
  var isPowered = true
  var isHypervisorAway = false
  /// Changes are seen so much later.
  var lateness = Duration.zero
  var isLookPlanned = false
  var machines: [VMName: Machine] = [:]
  /// How the next jobs go wrong.
  var troubles: [Fault.JobTrouble] = []

  init(memory: Int, cpus: Int) {
    self.memory = memory
    self.cpus = cpus
  }

  var used: Int { machines.values.reduce(0) { $1.isActive ? $0 + $1.memory : $0 } }

  func inventory(exaggerating: Bool) -> HostInventory {
    HostInventory(
      capacity: HostCapacity(memoryKiB: (exaggerating ? 3 * memory : memory) << 20, cpus: cpus), hypervisor: "QEMU",
      vms: machines.values.sorted { $0.name < $1.name }.map(\.reported))
  }
}

/// What libvirt does by itself, whatever becomes of who asked for it.
struct HypervisorJob: Sendable {
  enum Kind: Sendable {
    case migration
    case save
    /// To the job's destination, from the image.
    case restore
  }

  let kind: Kind
  let vm: VMName
  let source: HostName
  let destination: HostName
  /// Whose operation waits for it.
  let run: Int
  /// As which it goes on.
  let state: VirtualMachine.State
  var fails = false
  var failure: Failure?
  var ignoresAbort = false

  /// Where it is carried out.
  var host: HostName { kind == .restore ? destination : source }
}

/// Why an operation failed.
struct Failure: Error, Sendable, Equatable {
  var code: ErrorCode
  var details: String
  var mayPass = false

  init(_ code: ErrorCode, _ details: String, mayPass: Bool = false) {
    self.code = code
    self.details = details
    self.mayPass = mayPass
  }
}

/// An operation of a worker's life that is being performed.
struct Run: Sendable {
  enum Stage: Sendable {
    case opening
    /// Both ends have been looked at, and the machine can begin to move.
    case beginning
    case moving
    case saving
    case restoring
    case comingHome
    case takingBack(Failure)
  }

  let host: HostName
  let life: Int
  let id: OperationID
  let operation: NodeWorkerCore.Operation
  var stage = Stage.opening
  var isCancelled = false
  /// How the last job of it ended; nil: well.
  var failure: Failure?
  var job: Int?

  var order: MigrationOrder? {
    switch operation {
    case .examine(let order), .migrate(let order): order
    default: nil
    }
  }
}
