import CaseFormat
import ClusterModel
import DaemonKit
import MigfraProtocol
import Readiness
import XML
import YAML

/// Everything that is read from outside, each with what must hold for any input: it is refused with words, or read; and
/// what was read and is written comes back the same.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case yaml, task, result, report, plan, node, coordinator, progress, news, request, answer, announcement
  case machine, topic, configuration, xml, pattern, banner
  case planningCase = "case"

  /// What did not hold.
  public struct BrokenPromise: Error, CustomStringConvertible {
    public let description: String
  }

  /// Reads the input.
  /// - Returns: whether it was taken, rather than refused.
  @discardableResult
  public func read(_ input: [UInt8]) throws(BrokenPromise) -> Bool {
    switch self {
    case .yaml: try check(input, { try YAML.parse($0) }, { YAML.emit($0) })
    case .task: try readTask(input)
    // Seconds are written with six digits or three.
    case .result: try check(input, TaskResult.decode, { $0.encoded() }, isRounded: true)
    case .report: try check(input, HostReport.decode, { $0.encoded() })
    case .plan: try check(input, PlanReport.decode, { $0.encoded() }, isRounded: true)
    case .node: try check(input, NodeReport.decode, { $0.encoded() })
    case .coordinator: try check(input, CoordinatorReport.decode, { $0.encoded() })
    case .progress: try check(input, MigrationProgress.decode, { $0.encoded() }, isRounded: true)
    case .news: try check(input, CoordinatorNews.decode, { $0.encoded() }, isRounded: true)
    case .request: try check(input, PscomRequest.decode, { $0.encoded(as: .seed) })
    case .answer: try check(input, PscomAnswer.decode, { $0.encoded() })
    case .announcement: try check(input, PscomProcessReport.decode, { $0.encoded() })
    case .xml:
      try check(
        input, { try XMLTree(parsing: String(decoding: $0, as: UTF8.self)) }, { Array($0.description.utf8) })
    case .machine: try check(input, { try VirtualMachine.decode($0) }, { $0.encoded() })
    case .topic: try readTopic(String(decoding: input, as: UTF8.self))
    case .configuration: try check(input) { _ = try Configuration.parse($0, hostname: "node1") }
    case .planningCase: try check(input) { _ = try PlanningCase(json: $0) }
    case .pattern: try readPattern(input)
    case .banner: try readBanner(input)
    }
  }

  /// An error needs words.
  private func check(_ input: [UInt8], _ read: ([UInt8]) throws -> Void) throws(BrokenPromise) -> Bool {
    do {
      try read(input)
      return true
    } catch {
      guard !"\(error)".isEmpty else { throw BrokenPromise(description: "\(rawValue): an error without words") }
      return false
    }
  }

  private func readTask(_ input: [UInt8]) throws(BrokenPromise) -> Bool {
    do throws(UnreadableTask) { _ = try TaskMessage.decode(input) } catch {
      // The refusal is an answer, and that must be readable.
      try FuzzTarget.result.read(
        TaskResult.unreadable(id: error.id, code: error.code, details: error.description).encoded())
    }
    // What is wrong with a task, but not enough to refuse it, is not written.
    func read(_ input: [UInt8]) throws -> TaskMessage {
      var task = try TaskMessage.decode(input)
      task.warnings = []
      return task
    }
    return try check(input, read, { $0.encoded() })
  }

  /// The pattern, a NUL, the name.
  private func readPattern(_ input: [UInt8]) throws(BrokenPromise) -> Bool {
    let parts = input.split(separator: 0, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
    return try check(input) { _ in
      if let pattern = parts.first { _ = try NamePattern(pattern).matches(parts.count > 1 ? parts[1] : pattern) }
    }
  }

  private func readTopic(_ topic: String) throws(BrokenPromise) -> Bool {
    if let host = Topics.host(of: topic), !topic.hasPrefix("fast/migfra/\(host)/") {
      throw BrokenPromise(description: "another host than the topic's: \(topic)")
    }
    if let (vm, process) = PscomTopics().responder(of: topic), PscomTopics.response(vm, process) != topic {
      throw BrokenPromise(description: "another process than the topic's: \(topic)")
    }
    let isAcceptable = Topics.isAcceptableResponse(topic)
    guard !isAcceptable || !topic.utf8.contains(0x23) && !topic.utf8.contains(0x2B) && topic.utf8.first != 0x24 else {
      throw BrokenPromise(description: "no topic to answer on: \(topic)")
    }
    return isAcceptable
  }

  /// In whatever pieces it comes, it is the same.
  private func readBanner(_ input: [UInt8]) throws(BrokenPromise) -> Bool {
    var whole = BannerScanner()
    let verdict = whole.feed(input)
    var pieces = BannerScanner()
    var last = BannerScanner.Verdict.incomplete
    for byte in input where last == .incomplete { last = pieces.feed(CollectionOfOne(byte)) }
    guard last == verdict else {
      throw BrokenPromise(description: "banner: \(verdict) as a whole, \(last) by bytes")
    }
    return verdict != .incomplete
  }

  /// - Parameter isRounded: writing rounds numbers; what was written once is written the same again.
  private func check<Value: Equatable>(
    _ input: [UInt8], _ read: ([UInt8]) throws -> Value, _ write: (Value) -> [UInt8], isRounded: Bool = false
  ) throws(BrokenPromise) -> Bool {
    var value: Value?
    _ = try check(input) { value = try read($0) }
    guard let value else { return false }
    let text = write(value)
    let shown = String(decoding: text, as: UTF8.self).debugDescription
    let again: Value
    do {
      again = try read(text)
    } catch {
      throw BrokenPromise(description: "\(rawValue): what was written is refused: \(error): \(shown)")
    }
    guard again == value || isRounded && write(again) == text else {
      throw BrokenPromise(description: "\(rawValue): what was written is read otherwise: \(value), \(again): \(shown)")
    }
    return true
  }
}
