import CaseFormat
import ClusterModel
import DaemonKit
import MigfraProtocol
import XML
import YAML

/// Everything that is read from outside, each with what must hold for any input: it is refused with words, or read; and
/// what was read and is written comes back the same.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case yaml, task, result, report, plan, node, coordinator, progress, news, request, answer, announcement
  case configuration, xml, pattern
  case planningCase = "case"

  /// What did not hold.
  public struct BrokenPromise: Error, CustomStringConvertible {
    public let description: String
  }

  /// Reads the input.
  public func read(_ input: [UInt8]) throws(BrokenPromise) {
    switch self {
    case .yaml: try check(input, { try YAML.parse($0) }, { YAML.emit($0) })
    case .task:
      // What is wrong with a task, but not enough to refuse it, is not written.
      func read(_ input: [UInt8]) throws -> TaskMessage {
        var task = try TaskMessage.decode(input)
        task.warnings = []
        return task
      }
      try check(input, read, { $0.encoded() })
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
    case .configuration: try check(input) { _ = try Configuration.parse($0, hostname: "node1") }
    case .planningCase: try check(input) { _ = try PlanningCase(json: $0) }
    case .pattern:
      // The pattern, a NUL, the name.
      let parts = input.split(separator: 0, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
      try check(input) { _ in
        if let pattern = parts.first { _ = try NamePattern(pattern).matches(parts.count > 1 ? parts[1] : pattern) }
      }
    }
  }

  /// An error needs words.
  private func check(_ input: [UInt8], _ read: ([UInt8]) throws -> Void) throws(BrokenPromise) {
    do {
      try read(input)
    } catch {
      guard !"\(error)".isEmpty else { throw BrokenPromise(description: "\(rawValue): an error without words") }
    }
  }

  /// - Parameter isRounded: writing rounds numbers; what was written once is written the same again.
  private func check<Value: Equatable>(
    _ input: [UInt8], _ read: ([UInt8]) throws -> Value, _ write: (Value) -> [UInt8], isRounded: Bool = false
  ) throws(BrokenPromise) {
    var value: Value?
    try check(input) { value = try read($0) }
    guard let value else { return }
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
  }
}
