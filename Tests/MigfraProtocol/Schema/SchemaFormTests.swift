import Foundation
import Testing
import YAML

@Suite("The files in docs/schema are well made")
struct SchemaFormTests {
  @Test("there are no others than those that are tested")
  func files() throws {
    let folder = SchemaFile.repository.appending(path: "docs/schema").path(percentEncoded: false)
    let names = SchemaFile.names.map { "\($0).schema.json" }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == names.sorted())
  }

  @Test("each is JSON with lines of two-space steps, and named as it is called", arguments: SchemaFile.names)
  func json(_ name: String) throws {
    let text = try SchemaFile.text(of: name)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(object["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(object["$id"] as? String == "\(name).schema.json")
    #expect(text.hasSuffix("}\n") && !text.contains("\t") && !text.contains(" \n"))
    for line in text.split(separator: "\n") { #expect(line.prefix { $0 == " " }.count.isMultiple(of: 2), "\(line)") }
  }

  @Test("a keyword that the tests do not check is refused")
  func unknownKeyword() throws {
    #expect(throws: YAMLError.self) { try JSONSchema(try YAML.parse(#"{"type": "string", "format": "uuid"}"#)) }
  }

  @Test("each definition is there and is used", arguments: SchemaFile.names)
  func definitions(_ name: String) throws {
    let file = try SchemaFile(name)
    let used = Set(file.root.everySchema.compactMap(\.reference))
    #expect(used == Set(file.root.definitions.map(\.name)))
  }

  @Test("each example and each default fits where it stands", arguments: SchemaFile.names)
  func examples(_ name: String) throws {
    let file = try SchemaFile(name)
    let check = SchemaCheck(file: file)
    for schema in file.root.everySchema {
      for value in schema.examples + [schema.standard].compactMap({ $0 }) {
        #expect(check.violations(of: value, against: schema).isEmpty, "\(value.found)")
      }
    }
  }
}
