public import ClusterModel

/// Every topic of the protocol, in one place.
///
/// A program's *reply* topic is where it receives the answers that it asked for with a response topic; so a host's
/// result topic carries one answer per task of the host's own clients and nothing else.
public enum Topics {
  /// Tasks for one host. Writers: schedulers, the coordinator. Reader: the worker.
  public static func task(_ host: HostName) -> String { "fast/migfra/\(host)/task" }
  /// Answers to tasks that named no response topic. Writer: the worker.
  public static func result(_ host: HostName) -> String { "fast/migfra/\(host)/result" }
  /// The host's report, retained. Writer: the worker, and its will.
  public static func state(_ host: HostName) -> String { "fast/migfra/\(host)/state" }
  /// How far its migrations are. Writer: the worker.
  public static func progress(_ host: HostName) -> String { "fast/migfra/\(host)/progress" }
  /// The coordinator's answers to tasks that the host handed over. Reader: the worker.
  public static func reply(to host: HostName) -> String { "fast/migfra/\(host)/reply" }

  /// What the host's worker says to itself after it has connected: when it comes back, so has everything that the broker
  /// had kept.
  public static func echo(_ host: HostName) -> String { "fast/migfra/\(host)/echo" }

  public static let anyState = "fast/migfra/+/state"
  public static let anyProgress = "fast/migfra/+/progress"

  /// Tasks that concern more than one host. Reader: the coordinator.
  public static let coordinatorTask = "fast/coordinator/task"
  public static let coordinatorResult = "fast/coordinator/result"
  public static let coordinatorState = "fast/coordinator/state"
  /// What the coordinator says to itself after it has connected: when it comes back, so has everything that the broker
  /// had kept.
  public static let coordinatorEcho = "fast/coordinator/echo"
  /// Answers of one host's worker to the coordinator's own tasks. Writer: that worker. Reader: the coordinator.
  public static func coordinatorReply(from host: HostName) -> String { "fast/coordinator/reply/\(host)" }
  public static let anyCoordinatorReply = "fast/coordinator/reply/+"
  /// A plan with its progress, retained.
  public static func plan(_ id: PlanID) -> String { "fast/coordinator/plan/\(id)" }
  public static let anyPlan = "fast/coordinator/plan/+"
  /// What the coordinator does and meets, as it happens. Writer: the coordinator.
  public static let coordinatorEvent = "fast/coordinator/event"
  /// What the coordinator is doing with a host, retained.
  public static func node(_ host: HostName) -> String { "fast/coordinator/node/\(host)" }
  public static let anyNode = "fast/coordinator/node/+"

  /// The host of a `fast/migfra/<host>/…` topic.
  public static func host(of topic: String) -> HostName? {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
    guard levels.count == 4, levels[0] == "fast", levels[1] == "migfra" else { return nil }
    let host = HostName(rawValue: String(levels[2]))
    return host.isValid ? host : nil
  }

  /// A host's report, as read from its own state topic.
  ///
  /// - Throws: `YAMLError`; `Impostor` if the report is about another host than the topic: only the topic is guarded by
  ///   the broker's rights.
  public static func report(on topic: String, _ payload: [UInt8]) throws -> HostReport {
    let report = try HostReport.decode(payload)
    guard topic == state(report.host) else { throw Impostor(host: report.host) }
    return report
  }

  /// A host's report on another host's topic.
  public struct Impostor: Error, CustomStringConvertible {
    let host: HostName

    public var description: String { "the report says that it is of \(host)" }
  }

  /// The last level of a topic: the host of a reply or node topic, the id of a plan topic.
  public static func lastLevel(of topic: String) -> String {
    topic.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? topic
  }

  /// Whether an answer may be sent there because a client asked for it: a plain topic, and below `fast/` only a
  /// topic of answers, so that nobody can make a worker command another one.
  public static func isAcceptableResponse(_ topic: String) -> Bool {
    let bytes = topic.utf8
    guard let first = bytes.first, first != UInt8(ascii: "$"), bytes.count <= 1024 else { return false }
    // By scalars: a wildcard with an accent is one character of its own for Swift, and still a wildcard for a broker.
    let isPlain = topic.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "+", "#", "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": false
      default: true
      }
    }
    guard isPlain else { return false }
    let levels = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String($0) ?? "" }
    guard levels[0] == "fast" else { return true }
    let answers =
      switch levels.count > 1 ? levels[1] : "" {
      case "migfra": levels.dropFirst(3).first
      case "coordinator": levels.dropFirst(2).first
      default: levels.count > 2 ? levels.last : nil
      }
    return answers == "reply" || answers == "result"
  }
}
