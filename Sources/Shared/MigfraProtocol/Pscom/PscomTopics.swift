public import ClusterModel

/// The topics between a worker and the processes of a job, made from templates.
///
/// `<vm-name>` (or the reference's `<vm_name>`) stands for the machine, `<process>` for one process of it.
public struct PscomTopics: Sendable, Equatable {
  /// In place of a process: all of the machine's processes are meant.
  public static let everyProcess = "any_proc"
  /// An agent's reports; not configurable, since only ours sends them.
  public static let anyProcessState = "fast/pscom/+/+/state"

  private let request: String
  private let response: [String]

  /// - Parameters:
  ///   - request: "fast/pscom/<vm-name>/<process>/request"; without `<process>` every request goes to all at once.
  ///   - response: "fast/pscom/<vm-name>/<process>/response"; `+` stands for the process, too.
  public init(
    request: String = "fast/pscom/<vm-name>/<process>/request",
    response: String = "fast/pscom/<vm-name>/<process>/response"
  ) {
    self.request = request.split(separator: "<vm_name>", omittingEmptySubsequences: false).joined(
      separator: "<vm-name>")
    self.response = response.split(separator: "<vm_name>", omittingEmptySubsequences: false)
      .joined(separator: "<vm-name>").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether one process can be addressed.
  public var areAddressable: Bool { request.contains("<process>") }

  public func request(_ vm: VMName, _ process: String) -> String {
    request.split(separator: "<vm-name>", omittingEmptySubsequences: false).joined(separator: vm.rawValue)
      .split(separator: "<process>", omittingEmptySubsequences: false).joined(separator: process)
  }

  /// What to subscribe to for the answers of all machines.
  public var anyResponse: String {
    response.map { $0 == "<vm-name>" || $0 == "<process>" ? "+" : $0 }.joined(separator: "/")
  }

  /// Who answers on this topic; nil: it is none of answers.
  public func responder(of topic: String) -> (vm: VMName, process: String)? {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard levels.count == response.count else { return nil }
    var vm: VMName?
    var process = ""
    for (level, wanted) in zip(levels, response) {
      switch wanted {
      case "<vm-name>": vm = VMName(rawValue: level)
      case "<process>", "+": process = level
      case level: break
      default: return nil
      }
    }
    guard let vm, vm.isValid, Self.isProcess(process) else { return nil }
    return (vm, process)
  }

  public static func response(_ vm: VMName, _ process: String) -> String { "fast/pscom/\(vm)/\(process)/response" }
  public static func state(_ vm: VMName, _ process: String) -> String { "fast/pscom/\(vm)/\(process)/state" }
  /// What an agent of the machine listens to.
  public static func anyRequest(_ vm: VMName) -> String { "fast/pscom/\(vm)/+/request" }

  /// The process that a topic `fast/pscom/<vm>/<process>/<last>` is about.
  public static func process(of topic: String, _ last: String) -> (vm: VMName, process: String)? {
    PscomTopics(response: "fast/pscom/<vm-name>/<process>/\(last)").responder(of: topic)
  }

  /// Whether it can be a process's name: one level of a topic, of a length that a log line can carry.
  public static func isProcess(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && VMName(rawValue: name).isValid
  }
}
