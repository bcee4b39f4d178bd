import CaseFormat
import ClusterModel
import DaemonKit
import MigfraProtocol
import Readiness
import XML
import YAML

/// Everything that reads what comes from outside, and what must hold of it whatever comes: it returns or throws, and what
/// is written of what was read is read as the same.
public enum Decoder: String, CaseIterable, Sendable {
  case task
  case result
  case hostReport = "host-report"
  case coordinatorReport = "coordinator-report"
  case nodeReport = "node-report"
  case planReport = "plan-report"
  case coordinatorNews = "coordinator-news"
  case progress
  case machine
  case pscomRequest = "pscom-request"
  case pscomAnswer = "pscom-answer"
  case pscomReport = "pscom-report"
  case topic
  case pattern
  case configuration
  case yaml
  case xml
  case planningCase = "planning-case"
  case banner

  /// What does not hold.
  public struct Broken: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Returns: whether the input was one that is read, rather than refused.
  @discardableResult
  public func check(_ input: [UInt8]) throws(Broken) -> Bool {
    switch self {
    case .task: try checkTask(input)
    case .result: try check(input, { try TaskResult.decode($0) }, { $0.encoded() })
    case .hostReport: try check(input, { try HostReport.decode($0) }, { $0.encoded() })
    case .coordinatorReport: try check(input, { try CoordinatorReport.decode($0) }, { $0.encoded() })
    case .nodeReport: try check(input, { try NodeReport.decode($0) }, { $0.encoded() })
    case .planReport: try check(input, { try PlanReport.decode($0) }, { $0.encoded() })
    case .coordinatorNews: try check(input, { try CoordinatorNews.decode($0) }, { $0.encoded() })
    case .progress: try check(input, { try MigrationProgress.decode($0) }, { $0.encoded() })
    case .machine: try check(input, { try VirtualMachine.decode($0) }, { $0.encoded() })
    case .pscomRequest: try check(input, { try PscomRequest.decode($0) }, { $0.encoded(as: .seed) })
    case .pscomAnswer: try check(input, { PscomAnswer.decode($0) }, { $0.encoded() })
    case .pscomReport: try check(input, { try PscomProcessReport.decode($0) }, { $0.encoded() })
    case .topic: try checkTopic(String(decoding: input, as: UTF8.self))
    case .pattern: try checkPattern(input)
    case .configuration: reads { try Configuration.parse(input, hostname: "node1") }
    case .yaml: try check(input, { try YAML.parse($0) }, { YAML.emit($0) }, same: { $0 == $1 })
    case .xml:
      try check(
        input, { try XMLTree(parsing: String(decoding: $0, as: UTF8.self)) }, { Array($0.description.utf8) })
    case .planningCase: reads { try PlanningCase(json: input) }
    case .banner: try checkBanner(input)
    }
  }

  private func reads<Value>(_ decode: () throws -> Value) -> Bool {
    // A refusal is a right answer here; only what traps, hangs or is read twice as two things is not.
    (try? decode()) != nil
  }

  private func check<Value: Equatable>(
    _ input: [UInt8], _ decode: ([UInt8]) throws -> Value, _ encode: (Value) -> [UInt8],
    same: (Value, Value) -> Bool = { $0 == $1 }
  ) throws(Broken) -> Bool {
    guard let value = try? decode(input) else { return false }
    let written = encode(value)
    let again: Value
    do {
      again = try decode(written)
    } catch {
      throw Broken(description: "\(rawValue): what was written of it is refused: \(error)\n\(text(written))")
    }
    guard same(value, again) else {
      throw Broken(description: "\(rawValue): read \(value), and then \(again)\n\(text(written))")
    }
    return true
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func checkTask(_ input: [UInt8]) throws(Broken) -> Bool {
    do throws(UnreadableTask) {
      _ = try TaskMessage.decode(input)
    } catch {
      // The refusal is an answer, and that must be readable.
      let refusal = TaskResult.unreadable(id: error.id, code: error.code, details: error.description)
      _ = try Decoder.result.check(refusal.encoded())
      return false
    }
    // Words about what means nothing are not written.
    return try check(
      input,
      {
        var task = try TaskMessage.decode($0)
        task.warnings = []
        return task
      }, { $0.encoded() })
  }

  private func checkTopic(_ topic: String) throws(Broken) -> Bool {
    let host = Topics.host(of: topic)
    guard host.map({ topic.hasPrefix("fast/migfra/\($0)/") }) ?? true else {
      throw Broken(description: "another host than the topic's: \(topic)")
    }
    if let (vm, process) = PscomTopics().responder(of: topic), PscomTopics.response(vm, process) != topic {
      throw Broken(description: "another process than the topic's: \(topic)")
    }
    let isAcceptable = Topics.isAcceptableResponse(topic)
    guard !isAcceptable || !topic.utf8.contains(0x23) && !topic.utf8.contains(0x2B) && topic.utf8.first != 0x24 else {
      throw Broken(description: "no topic to answer on: \(topic)")
    }
    return isAcceptable
  }

  /// A pattern, and in the second line a name.
  private func checkPattern(_ input: [UInt8]) throws(Broken) -> Bool {
    let parts = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard let pattern = try? NamePattern(parts[0]) else { return false }
    let name = VMName(rawValue: parts.count > 1 ? parts[1] : "vm1")
    return name.isValid && pattern.matches(name.rawValue)
  }

  /// In whatever pieces it comes, it is the same.
  private func checkBanner(_ input: [UInt8]) throws(Broken) -> Bool {
    var whole = BannerScanner()
    let verdict = whole.feed(input)
    var pieces = BannerScanner()
    var last = BannerScanner.Verdict.incomplete
    for byte in input where last == .incomplete { last = pieces.feed(CollectionOfOne(byte)) }
    guard last == verdict else { throw Broken(description: "banner: \(verdict) as a whole, \(last) by bytes") }
    return verdict != .incomplete
  }
}
