import MigfraProtocol
import Testing
import YAML

@Suite("docs/schema/result.schema.json and our results agree")
struct ResultSchemaTests {
  private let file: SchemaFile

  init() throws {
    file = try SchemaFile("result")
  }

  @Test("it has our words")
  func words() {
    #expect(file.words("result") == TaskResult.Title.allCases.map(\.rawValue))
    #expect(file.words("status", of: "whole") == TaskResult.Status.allCases.map(\.rawValue))
    #expect(file.definition("code")?.words == ErrorCode.allCases.map(\.rawValue))
  }

  @Test("every result in docs/protocol.md fits it, with no key that it does not name")
  func documentation() throws {
    let results = DocumentationTests.examples.filter { $0.hasPrefix("result:") || $0.contains("\nresult:") }
    #expect(!results.isEmpty)
    for result in results { #expect(try file.violations(result, isClosed: true).isEmpty, "\(result)") }
  }

  @Test("every shape of a result fits it", arguments: ResultShapeTests.examples)
  func shapes(_ example: ResultShapeTests.Example) throws {
    #expect(try file.violations(example.text, isClosed: true).isEmpty)
  }

  @Test("every result that our programs send fits it, with no key that it does not name", arguments: 1...20)
  func encoded(_ seed: Int) throws {
    var random = RandomMessages(seed: UInt64(seed))
    for _ in 0..<100 {
      let payload = random.result().encoded()
      #expect(try file.violations(payload, isClosed: true).isEmpty, "\(text(payload))")
    }
  }

  @Test("a refusal of any task fits it", arguments: SeedTaskTests.examples)
  func refusals(_ example: SeedTaskTests.Example) throws {
    let refusal = TaskResult.refusal(of: try task(example.text), code: .expired, details: "too late")
    #expect(try file.violations(refusal.encoded(), isClosed: true).isEmpty)
  }

  @Test(
    "our programs know every key of the schema: they read and write what has them all",
    arguments: TaskResult.Title.allCases, ["success", "error"])
  func keys(_ title: TaskResult.Title, _ status: String) throws {
    let examples = SchemaExamples(file: file, choices: [title.rawValue, status]).messages(file.root)
    #expect(examples.count == (title.isFlat ? 2 : 1))
    for example in examples {
      #expect(file.violations(example, isClosed: true).isEmpty)
      var result = try TaskResult.decode(YAML.emit(example))
      #expect(result.title == title)
      // One machine is written flat; what has a list then has several.
      let isDoubled = title.isFlat && result.status != nil
      if isDoubled { result.entries += result.entries }
      let written = try YAML.parse(result.encoded())
      #expect(written.keyPaths.isSuperset(of: example.keyPaths))
      #expect(isDoubled || written.keyPaths == example.keyPaths)
    }
  }

  @Test(
    "with any value replaced, or any key removed, a result that fits is read",
    arguments: TaskResult.Title.allCases, ["success", "error"])
  func agreement(_ title: TaskResult.Title, _ status: String) throws {
    for example in SchemaExamples(file: file, choices: [title.rawValue, status]).messages(file.root) {
      for variant in example.removingKeys + example.oddVariants.map(\.variant)
      where file.violations(variant.tree).isEmpty {
        #expect(throws: Never.self, "\(variant)") { try TaskResult.decode(YAML.emit(variant.tree)) }
      }
    }
  }

  @Test(
    "what is no result does not fit it",
    arguments: [
      "[]", "{}", "id: 1", "result: vm exploded\nlist: []", "result: vm stopped", "result: vm stopped\nlist: 7",
      "result: vm stopped\nlist: [{status: success}]", "result: vm stopped\nlist: [{vm-name: a}]",
      "result: vm stopped\nlist: [{vm-name: a, status: maybe}]",
      "result: vm stopped\nlist: [{vm-name: a, status: error, details: b}]",
      "result: vm stopped\nlist: [{vm-name: a, status: error, details: b, code: gone-mad}]",
      "result: vm stopped\nvm-name: a\nstatus: success",
      "result: vm migrated\nvm-name: a\nstatus: success\ntime-measurement: {migrate: 1}",
      "result: vm migrated\nvm-name: a\nstatus: success\ntime-measurement: [{migrate: fast}]",
      "result: vm migrated\nvm-name: a\nstatus: success\nprocess-id: many",
      "result: node evacuated\nlist: []", "result: node evacuated\nstatus: great\ndetails: a\nlist: []",
    ])
  func noResult(_ text: String) throws {
    #expect(try !file.violations(text).isEmpty)
  }
}
