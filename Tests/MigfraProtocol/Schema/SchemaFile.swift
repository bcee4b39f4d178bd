import Foundation
import Testing
import YAML

/// One of the files in `docs/schema`.
struct SchemaFile: Sendable, CustomTestStringConvertible {
  static let names = ["task", "result", "report"]

  var name: String
  var root: JSONSchema

  init(_ name: String) throws {
    self.name = name
    root = try JSONSchema(try YAML.parse(Self.text(of: name)))
  }

  static func text(of name: String) throws -> String {
    try String(contentsOf: repository.appending(path: "docs/schema/\(name).schema.json"), encoding: .utf8)
  }

  /// The folder with `docs` and `Sources`.
  static var repository: URL {
    var folder = URL(filePath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return folder
  }

  var testDescription: String { name }

  func definition(_ name: String) -> JSONSchema? {
    root.definitions.first { $0.name == name }?.schema
  }

  /// What is wrong with a message; empty: nothing.
  ///
  /// - Parameters:
  ///   - definition: which of the file's definitions is meant; nil: the file's own schema.
  ///   - isClosed: whether keys that the schema does not name are wrong.
  func violations(_ node: YAMLNode, as definition: String? = nil, isClosed: Bool = false) -> [String] {
    guard let schema = definition.map({ self.definition($0) }) ?? root else { return ["no such definition"] }
    return SchemaCheck(file: self, isClosed: isClosed).violations(of: node, against: schema)
  }

  func violations(_ payload: [UInt8], as definition: String? = nil, isClosed: Bool = false) throws -> [String] {
    violations(try YAML.parse(payload), as: definition, isClosed: isClosed)
  }

  func violations(_ text: String, as definition: String? = nil, isClosed: Bool = false) throws -> [String] {
    violations(try YAML.parse(text), as: definition, isClosed: isClosed)
  }

  /// The words of an `enum`: of the file's own property, or of a definition's.
  func words(_ property: String, of definition: String? = nil) -> [String]? {
    let schema = definition.map { self.definition($0) } ?? root
    return schema?.properties.first { $0.name == property }?.schema.words
  }
}

extension JSONSchema {
  var words: [String]? {
    values?.compactMap { if case .scalar(let scalar) = $0.kind { scalar.text } else { nil } }
  }
}
