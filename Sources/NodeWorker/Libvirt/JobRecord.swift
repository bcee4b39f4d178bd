import CLibvirt

/// How far a long operation on a VM (a migration, above all) has come.
public struct JobRecord: Sendable, Equatable {
  public enum Kind: String, Sendable {
    case none
    /// Its end can be foretold.
    case bounded
    /// It ends when the guest lets it, as a live migration does.
    case unbounded
    case completed
    case failed
    case cancelled
  }

  public enum Operation: String, Sendable {
    case unknown, start, save, restore, incomingMigration, outgoingMigration, snapshot, snapshotRevert, dump, backup
    case snapshotDelete
  }

  public var kind: Kind
  public var operation: Operation
  /// Milliseconds since the job began.
  public var timeElapsed: UInt64 = 0
  /// Bytes of memory and disks together. Processed may exceed the total, since changed memory is sent again.
  public var dataTotal: UInt64 = 0
  public var dataProcessed: UInt64 = 0
  public var dataRemaining: UInt64 = 0
  /// Bytes of memory.
  public var memoryTotal: UInt64 = 0
  public var memoryProcessed: UInt64 = 0
  public var memoryRemaining: UInt64 = 0
  /// Bytes of memory sent in a second.
  public var memoryBps: UInt64?
  /// Pages that the guest changes in a second, and the size of one in bytes.
  public var dirtyPagesPerSecond: UInt64?
  public var pageSize: UInt64?
  /// Passes over the memory so far.
  public var iteration: UInt64?
  /// Milliseconds for which the guest stands still: an estimate while the job runs, the truth afterwards.
  public var downtime: UInt64?
  /// Milliseconds of preparation before the first byte.
  public var setupTime: UInt64?
  /// Per cent by which auto-converge slows the guest.
  public var throttle: Int32?
  /// libvirt's words about a job that failed, where it keeps them.
  public var message: String?

  public init(kind: Kind, operation: Operation) {
    self.kind = kind
    self.operation = operation
  }

  /// Bytes that the guest changes in a second.
  public var dirtyBytesPerSecond: UInt64? {
    guard let dirtyPagesPerSecond, let pageSize else { return nil }
    let (bytes, overflow) = dirtyPagesPerSecond.multipliedReportingOverflow(by: pageSize)
    return overflow ? nil : bytes
  }
}

extension JobRecord {
  init(kind: Kind, _ values: borrowing TypedParameterReader) {
    self.init(kind: kind, operation: Operation(libvirt: values.integer(VIR_DOMAIN_JOB_OPERATION) ?? 0))
    timeElapsed = values.unsigned(VIR_DOMAIN_JOB_TIME_ELAPSED) ?? 0
    dataTotal = values.unsigned(VIR_DOMAIN_JOB_DATA_TOTAL) ?? 0
    dataProcessed = values.unsigned(VIR_DOMAIN_JOB_DATA_PROCESSED) ?? 0
    dataRemaining = values.unsigned(VIR_DOMAIN_JOB_DATA_REMAINING) ?? 0
    memoryTotal = values.unsigned(VIR_DOMAIN_JOB_MEMORY_TOTAL) ?? 0
    memoryProcessed = values.unsigned(VIR_DOMAIN_JOB_MEMORY_PROCESSED) ?? 0
    memoryRemaining = values.unsigned(VIR_DOMAIN_JOB_MEMORY_REMAINING) ?? 0
    memoryBps = values.unsigned(VIR_DOMAIN_JOB_MEMORY_BPS)
    dirtyPagesPerSecond = values.unsigned(VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE)
    pageSize = values.unsigned(VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE)
    iteration = values.unsigned(VIR_DOMAIN_JOB_MEMORY_ITERATION)
    downtime = values.unsigned(VIR_DOMAIN_JOB_DOWNTIME)
    setupTime = values.unsigned(VIR_DOMAIN_JOB_SETUP_TIME)
    throttle = values.integer(VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE)
    message = values.text(VIR_DOMAIN_JOB_ERRMSG)
  }

  /// The record of a job-completed event, which says only whether the job failed, and that not always.
  init(completed values: borrowing TypedParameterReader) {
    self.init(kind: values.flag(VIR_DOMAIN_JOB_SUCCESS) == false ? .failed : .completed, values)
  }
}

extension JobRecord.Kind {
  init(libvirt code: Int32) {
    self =
      switch UInt32(bitPattern: code) {
      case VIR_DOMAIN_JOB_BOUNDED.rawValue: .bounded
      case VIR_DOMAIN_JOB_UNBOUNDED.rawValue: .unbounded
      case VIR_DOMAIN_JOB_COMPLETED.rawValue: .completed
      case VIR_DOMAIN_JOB_FAILED.rawValue: .failed
      case VIR_DOMAIN_JOB_CANCELLED.rawValue: .cancelled
      default: .none
      }
  }
}

extension JobRecord.Operation {
  init(libvirt code: Int32) {
    self =
      switch UInt32(bitPattern: code) {
      case VIR_DOMAIN_JOB_OPERATION_START.rawValue: .start
      case VIR_DOMAIN_JOB_OPERATION_SAVE.rawValue: .save
      case VIR_DOMAIN_JOB_OPERATION_RESTORE.rawValue: .restore
      case VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN.rawValue: .incomingMigration
      case VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT.rawValue: .outgoingMigration
      case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT.rawValue: .snapshot
      case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT.rawValue: .snapshotRevert
      case VIR_DOMAIN_JOB_OPERATION_DUMP.rawValue: .dump
      case VIR_DOMAIN_JOB_OPERATION_BACKUP.rawValue: .backup
      case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE.rawValue: .snapshotDelete
      default: .unknown
      }
  }
}
