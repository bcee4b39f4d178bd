import ClusterModel
import MigfraProtocol
import Testing
import YAML

@Suite("docs/schema/task.schema.json and the reader of tasks agree about messages")
struct TaskSchemaTests {
  private let file: SchemaFile

  init() throws {
    file = try SchemaFile("task")
  }

  @Test("it has the reader's words")
  func words() {
    #expect(file.words("task") == TaskMessage.Kind.allCases.map(\.rawValue))
    #expect(file.words("migration-type", of: "tuning") == MigrationType.allCases.map(\.rawValue))
    #expect(file.words("non-convergence", of: "tuning") == NonConvergence.allCases.map(\.rawValue))
    #expect(file.definition("transport")?.words == LibvirtTransport.allCases.map(\.rawValue))
    let parameter = file.definition("evacuate-node")?.properties.first { $0.name == "parameter" }?.schema
    let mode = parameter?.properties.first { $0.name == "mode" }?.schema
    #expect(mode?.words == PlacementMode.allCases.map(\.rawValue))
  }

  @Test("every task in docs/protocol.md fits it, with no key that it does not name")
  func documentation() throws {
    let tasks = DocumentationTests.examples.filter { $0.hasPrefix("task:") }
    #expect(!tasks.isEmpty)
    for task in tasks { #expect(try file.violations(task, isClosed: true).isEmpty, "\(task)") }
  }

  @Test("every task in the seed's spelling fits it", arguments: SeedTaskTests.examples)
  func seed(_ example: SeedTaskTests.Example) throws {
    #expect(try file.violations(example.text, isClosed: true).isEmpty)
    #expect(try file.violations("host: node1\nid: 0017\n\(example.text)", isClosed: true).isEmpty)
  }

  @Test("every task that our programs send fits it, with no key that it does not name", arguments: 1...20)
  func encoded(_ seed: Int) throws {
    var random = RandomMessages(seed: UInt64(seed))
    for _ in 0..<100 {
      let payload = random.task().encoded()
      #expect(try file.violations(payload, isClosed: true).isEmpty, "\(text(payload))")
    }
  }

  @Test("a missing or wrong field does not fit it either", arguments: UnreadableTaskTests.wrongFields)
  func wrongFields(_ text: String, _ description: String) throws {
    #expect(try !file.violations(text).isEmpty)
  }

  @Test(
    "what is no task, or asks for what cannot be, fits it no more than the reader takes it",
    arguments: [
      "start vm", "[]", "{}", "task:", "task: [start vm]", "task: delete vm", "task: ''", "task: 'quit '",
      "host: node 1\ntask: quit", "host: .a\ntask: quit", "id: [a]\ntask: quit", "not-after: 1e999\ntask: quit",
      "id: \(String(repeating: "i", count: 1025))\ntask: quit", "task: cancel", "task: cancel\ntask-id: ''",
      "task: stop vm\nlist: [{regex: ''}]", "task: suspend vm\nlist: [{vm-name: a/b}]",
      "task: suspend vm\nlist: [{vm-name: \"a\\n\"}]", "task: suspend vm\nlist: [{vm-name: \"a\\x85\"}]",
      "task: suspend vm\nlist: [{vm-name: \(String(repeating: "v", count: 256))}]",
      "task: suspend vm\nlist: [\(Array(repeating: "{vm-name: a}", count: 10_001).joined(separator: ","))]",
      "task: repin vm\nvm-name: a\nvcpu-map: [[1], []]", "task: repin vm\nvm-name: a\nvcpu-map: [[1048576]]",
      "task: repin vm\nvm-name: a\nvcpu-map: [\(Array(repeating: "[0]", count: 4097).joined(separator: ","))]",
      "task: repin vm\nvm-name: a\nvcpu-map: [[\(Array(repeating: "0", count: 4097).joined(separator: ","))]]",
      "task: repin vm\nlist: []", "task: start vm\nvm-configurations: [{vm-name: a, memory: 0}]",
      "task: start vm\nvm-configurations: [{vm-name: a, pci-ids: [{vendor: 0x15b34, device: 1}]}]",
      "task: start vm\nvm-configurations: [{vm-name: a, devs: [{pci-addr: '00:20.0'}]}]",
      "task: start vm\nvm-configurations: [{vm-name: a, devs: [{pci-addr: '00:01.0'}, {pci-addr: '00:01.0'}]}]",
      "task: start vm\nvm-configurations: [{vm-name: a, ivshmem: {id: a, size: 3}}]",
      "task: start vm\nvm-configurations: [{vm-name: a, ivshmem: {id: ../a, size: 4}}]",
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {bandwidth: 0}",
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {timeout: 1000001}",
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {transport: ftp}",
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {pscom-hook-procs: some}",
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {swap-with: {vcpu-map: [[1]]}}",
      "task: evacuate node\nparameter: {vcpu-map: [[1]]}",
    ])
  func refused(_ text: String) throws {
    #expect(throws: UnreadableTask.self) { try task(text) }
    #expect(try !file.violations(text).isEmpty)
  }

  /// What the reader takes for an option that is off; the schema need not know it.
  private static let off: [YAMLNode] = [.null, false, 0, "", .sequence([]), .mapping([])]

  @Test(
    "with any value replaced, key removed or list made long, a task is refused by both or by none",
    arguments: TaskMessage.Kind.allCases)
  func agreement(_ kind: TaskMessage.Kind) throws {
    let examples = SchemaExamples(file: file, choices: [kind.rawValue]).messages(file.root)
    for example in examples {
      let changed = (example.removingKeys + example.repeatingItems).map { ($0, nil as YAMLNode?) }
      for (variant, value) in example.oddVariants + changed {
        let violations = file.violations(variant.tree)
        let isRead = (try? TaskMessage.decode(YAML.emit(variant.tree))) != nil
        if violations.isEmpty {
          #expect(isRead, "\(variant.path): only the schema takes this")
        } else if value.map({ !Self.off.contains($0) }) ?? true {
          #expect(!isRead, "\(variant.path): only the reader takes \(value?.found ?? "this"), \(violations)")
        }
      }
    }
  }
}
