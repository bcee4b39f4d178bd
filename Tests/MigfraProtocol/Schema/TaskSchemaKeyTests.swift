import Foundation
import MigfraProtocol
import Testing
import YAML

@Suite("docs/schema/task.schema.json and the reader of tasks know the same keys")
struct TaskSchemaKeyTests {
  private let file: SchemaFile

  init() throws {
    file = try SchemaFile("task")
  }

  private func examples(_ kind: TaskMessage.Kind) -> [YAMLNode] {
    SchemaExamples(file: file, choices: [kind.rawValue]).messages(file.root)
  }

  @Test("the reader knows every key of the schema", arguments: TaskMessage.Kind.allCases)
  func ofSchema(_ kind: TaskMessage.Kind) throws {
    let examples = examples(kind)
    #expect(examples.count == (kind == .repinVM ? 2 : 1))
    for example in examples {
      #expect(file.violations(example, isClosed: true).isEmpty)
      let message = try TaskMessage.decode(YAML.emit(example))
      #expect(message.kind == kind)
      #expect(message.warnings.isEmpty)
    }
  }

  /// Every word in quotes in the sources of the protocol, and every key of the schema: whatever the reader may ask for.
  private func candidates() throws -> Set<String> {
    let folder = SchemaFile.repository.appending(path: "Sources/Shared/MigfraProtocol")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
    var words = Set(file.root.everySchema.flatMap { $0.properties.map(\.name) })
    for name in names where name.hasSuffix(".swift") {
      let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      for match in source.matches(of: /"([A-Za-z][A-Za-z_-]*)"/) { words.insert(String(match.output.1)) }
    }
    return words
  }

  /// Keys that the schema leaves out on purpose.
  private static let unwritten: Set<String> = [
    // The reference's spelling.
    "parameter.retry_counter"
  ]

  /// Keys that the schema has only to say that they are refused.
  private static let refused: [TaskMessage.Kind: Set<String>] = [
    .evacuateNode: ["parameter.vcpu-map"], .restoreNode: ["parameter.vcpu-map"], .rearrangeVMs: ["parameter.vcpu-map"],
  ]

  @Test(
    "the schema has every key that the reader asks for, wherever it may stand", arguments: TaskMessage.Kind.allCases)
  func ofReader(_ kind: TaskMessage.Kind) throws {
    let examples = examples(kind)
    let known = examples.reduce(into: Self.unwritten.union(Self.refused[kind] ?? [])) { $0.formUnion($1.keyPaths) }
    let candidates = try candidates()
    #expect(candidates.isSuperset(of: ["retry-counter", "retry_counter", "concurrent-execution", "path"]))
    for example in examples {
      for key in candidates {
        for variant in example.adding(key, .null) where !known.contains(variant.path) {
          let warnings = try TaskMessage.decode(YAML.emit(variant.tree)).warnings
          #expect(warnings.count == 1 && warnings[0].hasPrefix("unknown key '\(variant.path)' "), "\(variant.path)")
        }
      }
    }
  }
}
