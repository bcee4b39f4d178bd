import YAML

/// A schema, as far as `docs/schema` uses JSON Schema (draft 2020-12). Every other keyword is refused: one that the
/// check passes over would look as if it was kept.
final class JSONSchema: Sendable {
  enum ValueType: String, CaseIterable, YAMLReadable {
    case object, array, string, boolean, integer, number
  }

  let definitions: [(name: String, schema: JSONSchema)]
  /// The name of one of the file's definitions.
  let reference: String?
  let type: ValueType?
  /// `enum`, or `const` as the only one.
  let values: [YAMLNode]?
  let examples: [YAMLNode]
  let standard: YAMLNode?

  let properties: [(name: String, schema: JSONSchema)]
  let required: [String]
  let otherProperties: JSONSchema?
  let propertyCount: ClosedRange<Int>
  let items: JSONSchema?
  let itemCount: ClosedRange<Int>
  let hasUniqueItems: Bool
  /// In Unicode scalars.
  let length: ClosedRange<Int>
  let pattern: String?
  let range: ClosedRange<Double>

  let all: [JSONSchema]
  let any: [JSONSchema]?
  let one: [JSONSchema]?
  let not: JSONSchema?
  let condition: JSONSchema?
  let consequence: JSONSchema?
  let alternative: JSONSchema?

  /// `path` is where the schema stands in its file, for errors.
  init(_ node: YAMLNode, path: String = "") throws(YAMLError) {
    var reader = try MappingReader(node, path: path)
    for remark in ["$schema", "$id", "title", "description", "deprecated"] { _ = reader.node(remark) }
    definitions = try reader.named("$defs")
    reference = try reader.reference()
    type = try reader.optional("type")
    values = try reader.nodes("enum") ?? reader.node("const").map { [$0] }
    examples = try reader.nodes("examples") ?? []
    standard = reader.node("default")

    properties = try reader.named("properties")
    required = try reader.optional("required") ?? []
    otherProperties = try reader.schema("additionalProperties")
    propertyCount = try reader.range("minProperties", "maxProperties", 0...Int.max)
    items = try reader.schema("items")
    itemCount = try reader.range("minItems", "maxItems", 0...Int.max)
    hasUniqueItems = try reader.optional("uniqueItems") ?? false
    length = try reader.range("minLength", "maxLength", 0...Int.max)
    pattern = try reader.optional("pattern")
    range = try reader.range("minimum", "maximum", -Double.infinity...Double.infinity)

    all = try reader.schemas("allOf") ?? []
    any = try reader.schemas("anyOf")
    one = try reader.schemas("oneOf")
    not = try reader.schema("not")
    condition = try reader.schema("if")
    consequence = try reader.schema("then")
    alternative = try reader.schema("else")
    try reader.refuseUnread()
  }

  /// This schema and all inside it.
  var everySchema: [JSONSchema] {
    let nested = [otherProperties, items, not, condition, consequence, alternative].compactMap { $0 }
    let parts = definitions.map(\.schema) + properties.map(\.schema) + all + (any ?? []) + (one ?? []) + nested
    return [self] + parts.flatMap(\.everySchema)
  }
}

extension MappingReader {
  fileprivate mutating func nodes(_ key: String) throws(YAMLError) -> [YAMLNode]? {
    guard let node = node(key) else { return nil }
    guard case .sequence(let items, _) = node.kind else { throw error("expected a list", key: key) }
    return items
  }

  fileprivate mutating func schema(_ key: String) throws(YAMLError) -> JSONSchema? {
    guard let node = node(key) else { return nil }
    return try JSONSchema(node, path: "\(path)/\(key)")
  }

  fileprivate mutating func schemas(_ key: String) throws(YAMLError) -> [JSONSchema]? {
    var schemas: [JSONSchema] = []
    guard let nodes = try nodes(key) else { return nil }
    for node in nodes { schemas.append(try JSONSchema(node, path: "\(path)/\(key)/\(schemas.count)")) }
    return schemas
  }

  fileprivate mutating func named(_ key: String) throws(YAMLError) -> [(name: String, schema: JSONSchema)] {
    guard let node = node(key) else { return [] }
    guard case .mapping(let mapping) = node.kind else { throw error("expected a mapping", key: key) }
    var schemas: [(String, JSONSchema)] = []
    for entry in mapping.entries {
      schemas.append((entry.key, try JSONSchema(entry.value, path: "\(path)/\(key)/\(entry.key)")))
    }
    return schemas
  }

  fileprivate mutating func reference() throws(YAMLError) -> String? {
    guard let text = try optional("$ref", as: String.self) else { return nil }
    let beginning = "#/$defs/"
    guard text.hasPrefix(beginning) else { throw error("expected \(beginning)…", key: "$ref") }
    return String(text.dropFirst(beginning.count))
  }

  fileprivate mutating func range<T: YAMLReadable & Comparable>(
    _ least: String, _ most: String, _ widest: ClosedRange<T>
  ) throws(YAMLError) -> ClosedRange<T> {
    let lower = try optional(least) ?? widest.lowerBound
    let upper = try optional(most) ?? widest.upperBound
    guard lower <= upper else { throw error("the least is more than the most", key: least) }
    return lower...upper
  }
}
