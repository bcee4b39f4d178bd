import ClusterModel
import Foundation
import MigfraProtocol
import Testing

@Suite("docs/protocol.md is true")
struct DocumentationTests {
  private static let page: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    // Without the document every test below fails.
    return (try? String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)) ?? ""
  }()

  /// The texts between ```yaml and ```.
  static let examples: [String] = page.components(separatedBy: "```yaml\n").dropFirst().map {
    $0.components(separatedBy: "```")[0]
  }

  private func examples(with key: String) -> [String] {
    Self.examples.filter { $0.hasPrefix("\(key):") || $0.contains("\n\(key):") }
  }

  @Test("every task in it is read without a complaint")
  func tasks() throws {
    var kinds: Set<TaskMessage.Kind> = []
    for example in Self.examples where example.hasPrefix("task:") {
      let message = try task(example)
      #expect(message.warnings.isEmpty, "\(example)")
      kinds.insert(message.kind)
    }
    #expect(kinds == Set(TaskMessage.Kind.allCases).subtracting([.quit]))
  }

  @Test("every result in it is what our programs write")
  func results() throws {
    let results = examples(with: "result")
    #expect(results.count == 12)
    for example in results { #expect(text(try answer(example).encoded()) == example) }
  }

  @Test("every report in it is what our programs write")
  func reports() throws {
    func example(_ key: String) throws -> [UInt8] {
      Array(try #require(Self.examples.first { $0.contains("\(key):") && !$0.contains("task: ev") }).utf8)
    }
    let host = try example("hypervisor-reachable")
    #expect(text(try HostReport.decode(host).encoded()) == text(host))
    let progress = try example("bytes-left")
    #expect(text(try MigrationProgress.decode(progress).encoded()) == text(progress))
    for node in [try example("state: DRAINED\nreason"), try example("strays")] {
      #expect(text(try NodeReport.decode(node).encoded()) == text(node))
    }
    let plan = try example("unplaced")
    #expect(text(try PlanReport.decode(plan).encoded()) == text(plan))
    let news = try example("about")
    #expect(text(try CoordinatorNews.decode(news).encoded()) == text(news))
    let coordinator = try #require(Self.examples.first { $0.hasPrefix("status: online\n") })
    #expect(text(try CoordinatorReport.decode(Array(coordinator.utf8)).encoded()) == coordinator)
  }

  @Test("every example in it is a task, a result or a report")
  func completeness() {
    #expect(Self.examples.count == 20 + 12 + 7)
  }

  @Test("every error code is in it once", arguments: ErrorCode.allCases)
  func codes(_ code: ErrorCode) {
    let codes = Self.page.components(separatedBy: "\n## ").first { $0.hasPrefix("Error codes\n") }
    #expect(codes?.components(separatedBy: "\n| `\(code.rawValue)` | ").count == 2)
  }

  @Test("it has no error code that there is not")
  func noOtherCodes() throws {
    let section = try #require(
      Self.page.components(separatedBy: "## Error codes").last?.components(separatedBy: "## ")[0])
    #expect(section.components(separatedBy: "\n| `").count - 1 == ErrorCode.allCases.count)
  }

  @Test(
    "every topic is in it",
    arguments: [
      Topics.task("<host>"), Topics.result("<host>"), Topics.state("<host>"), Topics.progress("<host>"),
      Topics.reply(to: "<host>"), Topics.coordinatorTask, Topics.coordinatorResult, Topics.coordinatorState,
      Topics.coordinatorReply(from: "<host>"), Topics.plan("<id>"), Topics.node("<host>"), Topics.coordinatorEvent,
      PscomTopics().request("<vm-name>", "<process>"), PscomTopics.response("<vm-name>", "<process>"),
      PscomTopics.state("<vm-name>", "<process>"),
    ])
  func topics(_ topic: String) {
    #expect(Self.page.contains("`\(topic)`"))
  }

  @Test("its words for states are ours")
  func states() {
    let states =
      NodeReport.State.allCases.map(\.rawValue) + PlanReport.State.allCases.map(\.rawValue)
      + PlanReport.Move.State.allCases.map(\.rawValue) + VirtualMachine.State.allCases.map(\.rawValue)
      + TaskResult.Status.allCases.map(\.rawValue) + PlacementMode.allCases.map(\.rawValue)
      + MigrationProgress.Phase.allCases.map(\.rawValue) + NonConvergence.allCases.map(\.rawValue)
      + OfflineStage.allCases.map(\.rawValue) + LibvirtTransport.allCases.map(\.rawValue)
      + MigrationType.allCases.map(\.rawValue)
      + HostReport.Presence.allCases.filter { $0 != .online }.map(\.rawValue)
    for state in states { #expect(Self.page.contains("`\(state)`"), "\(state)") }
  }
}
