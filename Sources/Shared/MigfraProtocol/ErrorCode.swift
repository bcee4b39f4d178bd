/// Why something failed, for programs; people get `details` beside it.
public enum ErrorCode: String, Sendable, Codable, CaseIterable, Error {
  /// The message cannot be read: not YAML, wrong types, missing fields, too large.
  case invalidMessage = "invalid-message"
  /// The task is none of ours.
  case unknownTask = "unknown-task"
  /// The task or an option of it is known but not available in this version or configuration.
  case unsupported
  /// The worker does not do such a thing: `quit`, a map of CPUs that the machine or the host has not.
  case refused
  /// Past its `not-after`.
  case expired
  /// The same id was used for another task.
  case duplicateID = "duplicate-id"
  /// No such virtual machine here.
  case notFound = "not-found"
  /// The machine is in a state that the operation does not allow.
  case wrongState = "wrong-state"
  /// A machine of that name exists already.
  case exists
  case timeout
  /// The destination cannot be reached or used.
  case destination
  /// Not enough memory or CPUs anywhere.
  case capacity
  /// libvirt refused or failed.
  case hypervisor
  /// A device cannot be had, or not be taken away.
  case devices
  /// The processes of a job did not do what they were asked.
  case pscom
  /// The hypervisor cannot be reached.
  case hypervisorLost = "hypervisor-lost"
  /// It is not known where the machine runs; nothing is done until one end is proven down.
  case inDoubt = "in-doubt"
  /// No coordinator is online, or it went away.
  case noCoordinator = "no-coordinator"
  /// The host's worker is offline or unknown.
  case noWorker = "no-worker"
  case cancelled
  /// Ordered by a coordinator that a newer one has replaced.
  case superseded
  /// What should be cancelled has ended, or cannot be stopped any more.
  case tooLate = "too-late"
  /// A defect of ours.
  case `internal`
}
