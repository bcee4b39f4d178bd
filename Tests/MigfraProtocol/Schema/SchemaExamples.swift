import YAML

/// Messages made of a schema: with every key that it has, and an example of each value.
struct SchemaExamples {
  var file: SchemaFile
  /// Words to take where an `enum` or a `const` has them; else the first is taken.
  var choices: Set<String> = []

  /// A message for each alternative (`anyOf`, `oneOf`) that has keys of its own.
  func messages(_ schema: JSONSchema) -> [YAMLNode] {
    var messages: [YAMLNode] = []
    for fields in extend([], by: schema) {
      let message = YAMLNode.mapping(fields)
      if !messages.contains(message) { messages.append(message) }
    }
    return messages
  }

  private typealias Fields = [(String, YAMLNode)]

  /// The given fields with those of a schema, once for each alternative.
  private func extend(_ fields: Fields, by schema: JSONSchema) -> [Fields] {
    var variants = [fields]
    func take(_ part: JSONSchema?) {
      if let part { variants = variants.flatMap { extend($0, by: part) } }
    }
    take(schema.reference.flatMap(file.definition))
    for (name, property) in schema.properties where property.not == nil {
      let value = value(of: property)
      variants = variants.map { fields in
        fields.contains { $0.0 == name } ? fields : fields + [(name, value)]
      }
    }
    for part in schema.all { take(part) }
    for parts in [schema.any, schema.one].compactMap({ $0 }) {
      variants = variants.flatMap { fields in parts.flatMap { extend(fields, by: $0) } }
    }
    if let condition = schema.condition {
      variants = variants.flatMap { fields in
        let check = SchemaCheck(file: file)
        let isMet = check.violations(of: .mapping(fields), against: condition).isEmpty
        return (isMet ? schema.consequence : schema.alternative).map { extend(fields, by: $0) } ?? [fields]
      }
    }
    return variants
  }

  private func value(of schema: JSONSchema) -> YAMLNode {
    if let example = schema.examples.first { return example }
    if let words = schema.words, let values = schema.values {
      return words.firstIndex(where: choices.contains).map { values[$0] } ?? values[0]
    }
    if let items = schema.items { return .sequence([value(of: items)]) }
    if schema.type != .object, let definition = schema.reference.flatMap(file.definition) {
      return value(of: definition)
    }
    return messages(schema).first ?? .null
  }
}
