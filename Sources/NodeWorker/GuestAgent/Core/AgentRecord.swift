public import ClusterModel

/// What must survive the agent: a toggle that is forgotten is undone by the next request instead of repeated.
public struct AgentRecord: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable {
    case running
    /// The signal is about to be sent, or has been.
    case suspending
    case suspended
    /// The signal is about to be sent, or has been.
    case resuming
  }

  public struct Process: Sendable, Equatable {
    public var identity: ProcessIdentity
    public var state: State

    public init(_ identity: ProcessIdentity, _ state: State) {
      self.identity = identity
      self.state = state
    }
  }

  /// A retained announcement of a process that has ended.
  public struct Announcement: Sendable, Hashable {
    public var vm: VMName
    public var pid: Int32

    public init(vm: VMName, pid: Int32) {
      self.vm = vm
      self.pid = pid
    }
  }

  /// The name under which the processes were announced.
  public var vm: VMName
  /// Of the boot in which the processes were started: start times count from there.
  public var boot: String
  /// By number.
  public var processes: [Process]
  /// What the broker has not yet been seen to have taken back.
  public var stale: [Announcement]

  public init(vm: VMName, boot: String, processes: [Process] = [], stale: [Announcement] = []) {
    self.vm = vm
    self.boot = boot
    self.processes = processes
    self.stale = stale
  }
}
