import ClusterModel
import MigfraProtocol
import Testing
import YAML

@Suite("docs/schema/report.schema.json and our reports agree")
struct ReportSchemaTests {
  private let file: SchemaFile

  init() throws {
    file = try SchemaFile("report")
  }

  @Test("it has our words")
  func words() {
    #expect(file.words("status", of: "state") == HostReport.Presence.allCases.map(\.rawValue))
    #expect(file.words("phase", of: "progress") == MigrationProgress.Phase.allCases.map(\.rawValue))
    #expect(file.words("state", of: "node") == NodeReport.State.allCases.map(\.rawValue))
    #expect(file.words("level", of: "event") == Note.Level.allCases.map(\.rawValue))
    #expect(file.words("state", of: "plan") == PlanReport.State.allCases.map(\.rawValue))
    #expect(file.words("mode", of: "evacuation") == PlacementMode.allCases.map(\.rawValue))
    #expect(file.words("migration-type", of: "evacuation") == MigrationType.allCases.map(\.rawValue))
    #expect(file.words("state", of: "process") == PscomProcessReport.State.allCases.map(\.rawValue))
    #expect(file.words("state", of: "vm") == VirtualMachine.State.allCases.map(\.rawValue))
    #expect(file.words("stage", of: "move") == PlanReport.Move.Stage.allCases.map(\.rawValue))
    #expect(file.words("move", of: "move") == PlanReport.Move.State.allCases.map(\.rawValue))
    #expect(file.words("cause", of: "unplaced") == Plan.Unplaced.Cause.allCases.map(\.rawValue))
  }

  @Test("every report in docs/protocol.md fits one of its parts, with no key that it does not name")
  func documentation() throws {
    let reports = DocumentationTests.examples.filter {
      !$0.hasPrefix("task:") && !$0.hasPrefix("result:") && !$0.contains("\nresult:")
    }
    var found: Set<String> = ["process"]
    for report in reports {
      #expect(try file.violations(report).isEmpty, "\(report)")
      let fitting = try ReportKind.allCases.filter {
        try file.violations(report, as: $0.rawValue, isClosed: true).isEmpty
      }
      #expect(fitting.count == 1, "\(report)")
      found.formUnion(fitting.map(\.rawValue))
    }
    #expect(found == Set(ReportKind.allCases.map(\.rawValue)))
  }

  @Test("every report that our programs send fits it, with no key that it does not name", arguments: 1...10)
  func encoded(_ seed: Int) throws {
    var random = RandomMessages(seed: UInt64(seed))
    for _ in 0..<30 {
      for kind in ReportKind.allCases {
        let payload = kind.encoded(&random)
        #expect(try file.violations(payload, as: kind.rawValue, isClosed: true).isEmpty, "\(text(payload))")
      }
    }
  }

  @Test(
    "our programs know every key of the schema: they read and write what has them all", arguments: ReportKind.allCases)
  func keys(_ kind: ReportKind) throws {
    let schema = try #require(file.definition(kind.rawValue))
    let examples = SchemaExamples(file: file).messages(schema)
    #expect(examples.count == 1)
    for example in examples {
      #expect(file.violations(example, as: kind.rawValue, isClosed: true).isEmpty)
      let written = try YAML.parse(try kind.passed(YAML.emit(example)))
      #expect(written.keyPaths == example.keyPaths)
    }
  }

  @Test("with any value replaced, or any key removed, a report that fits is read", arguments: ReportKind.allCases)
  func agreement(_ kind: ReportKind) throws {
    let schema = try #require(file.definition(kind.rawValue))
    for example in SchemaExamples(file: file).messages(schema) {
      for variant in example.removingKeys + example.oddVariants.map(\.variant)
      where file.violations(variant.tree, as: kind.rawValue).isEmpty {
        #expect(throws: Never.self, "\(variant)") { try kind.passed(YAML.emit(variant.tree)) }
      }
    }
  }

  @Test("a key may be missing only if our programs leave it out at times", arguments: ReportKind.allCases)
  func requirements(_ kind: ReportKind) throws {
    let schema = try #require(file.definition(kind.rawValue))
    let example = try #require(SchemaExamples(file: file).messages(schema).first)
    var random = RandomMessages(seed: 1)
    let written = try (0..<200).map { _ in try YAML.parse(kind.encoded(&random)).keyPaths }
    for variant in example.removingKeys where file.violations(variant.tree, as: kind.rawValue).isEmpty {
      let removed = example.keyPaths.subtracting(variant.tree.keyPaths)
      let key = try #require(removed.min { $0.count < $1.count })
      let siblings = example.keyPaths.filter { $0 != key && $0.hasPrefix(variant.path) }
      #expect(written.contains { !$0.contains(key) && !$0.isDisjoint(with: siblings) }, "\(key)")
    }
  }

  @Test(
    "what is no report does not fit it",
    arguments: [
      (.state, "{}"), (.state, "host: a\nstatus: asleep\nepoch: 1\nsequence: 0\nversion: a"),
      (.state, "host: a b\nstatus: offline\nepoch: 1\nsequence: 0\nversion: a"),
      (.state, "host: a\nstatus: offline\nepoch: -1\nsequence: 0\nversion: a"),
      (.state, "host: a\nstatus: online\nepoch: 1\nsequence: 0\nversion: a"), (.coordinator, "status: online"),
      (.node, "host: a\nstate: drained\nreason: b"), (.progress, "vm-name: a"), (.plan, "plan: a"),
      (.process, "state:"),
    ] as [(ReportKind, String)])
  func noReport(_ kind: ReportKind, _ text: String) throws {
    #expect(try !file.violations(text, as: kind.rawValue).isEmpty)
  }
}
