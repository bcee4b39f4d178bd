import YAML

/// Checks a tree against a schema.
///
/// What a plain scalar is, is decided as our readers decide it: by what the schema asks for there. A text is therefore
/// any scalar but null, and `yes` is a boolean.
struct SchemaCheck {
  var file: SchemaFile
  /// Whether a key is wrong that no schema at its place names. A schema may be put together there by `allOf` and the
  /// like; an object inside must be described in one part only.
  var isClosed = false

  private struct Verdict {
    var violations: [String] = []
    /// Keys that the schema names.
    var known: Set<String> = []

    mutating func take(_ other: Verdict) {
      violations += other.violations
      known.formUnion(other.known)
    }
  }

  func violations(of node: YAMLNode, against schema: JSONSchema, path: String = "") -> [String] {
    let verdict = verdict(on: node, schema, path)
    guard isClosed, case .mapping(let mapping) = node.kind else { return verdict.violations }
    let unknown = mapping.entries.filter { !verdict.known.contains($0.key) }
    return verdict.violations + unknown.map { "\(path)/\($0.key): not in the schema" }
  }

  private func verdict(on node: YAMLNode, _ schema: JSONSchema, _ path: String) -> Verdict {
    var verdict = Verdict()
    func expect(_ condition: Bool, _ expectation: @autoclosure () -> String) {
      if !condition { verdict.violations.append("\(path): expected \(expectation()), found \(node.found)") }
    }
    if let name = schema.reference {
      if let definition = file.definition(name) {
        verdict.take(self.verdict(on: node, definition, path))
      } else {
        verdict.violations.append("no definition \(name)")
      }
    }
    if let type = schema.type { expect(node.isA(type), type.rawValue) }
    if let values = schema.values { expect(values.contains { node.equals($0) }, "one of the words") }
    switch node.kind {
    case .scalar(let scalar):
      if schema.type == .string {
        expect(schema.length.contains(scalar.text.unicodeScalars.count), "\(schema.length) characters")
        if let pattern = schema.pattern { expect(scalar.text.matches(pattern), pattern) }
      } else if let number = node.number {
        expect(schema.range.contains(number), "\(schema.range)")
      }
    case .sequence(let items, _):
      expect(schema.itemCount.contains(items.count), "\(schema.itemCount) items")
      expect(!schema.hasUniqueItems || !items.hasEqual, "no item twice")
      if let schema = schema.items {
        for (index, item) in items.enumerated() {
          verdict.violations += violations(of: item, against: schema, path: "\(path)/\(index)")
        }
      }
    case .mapping(let mapping):
      expect(schema.propertyCount.contains(mapping.entries.count), "\(schema.propertyCount) keys")
      for key in schema.required { expect(mapping[key] != nil, key) }
      for entry in mapping.entries {
        let named = schema.properties.first { $0.name == entry.key }?.schema
        guard let schema = named ?? schema.otherProperties else { continue }
        verdict.known.insert(entry.key)
        verdict.violations += violations(of: entry.value, against: schema, path: "\(path)/\(entry.key)")
      }
    }
    combine(schema, node, path, &verdict)
    return verdict
  }

  /// The keywords that put schemas together.
  private func combine(_ schema: JSONSchema, _ node: YAMLNode, _ path: String, _ verdict: inout Verdict) {
    for part in schema.all { verdict.take(self.verdict(on: node, part, path)) }
    for (parts, isFine) in [
      (schema.any, { $0 > 0 }), (schema.one, { $0 == 1 }), (schema.not.map { [$0] }, { $0 == 0 }),
    ] as [([JSONSchema]?, (Int) -> Bool)] {
      guard let parts else { continue }
      let verdicts = parts.map { self.verdict(on: node, $0, path) }
      let fitting = verdicts.filter(\.violations.isEmpty)
      for fit in fitting { verdict.known.formUnion(fit.known) }
      guard !isFine(fitting.count) else { continue }
      let reasons = verdicts.flatMap(\.violations).joined(separator: "; ")
      verdict.violations.append("\(path): fits \(fitting.count) of \(parts.count) schemas (\(reasons))")
    }
    guard let condition = schema.condition else { return }
    let premise = self.verdict(on: node, condition, path)
    if premise.violations.isEmpty { verdict.take(premise) }
    let branch = premise.violations.isEmpty ? schema.consequence : schema.alternative
    if let branch { verdict.take(self.verdict(on: node, branch, path)) }
  }
}

extension YAMLNode {
  fileprivate func isA(_ type: JSONSchema.ValueType) -> Bool {
    switch type {
    case .object: if case .mapping = kind { true } else { false }
    case .array: if case .sequence = kind { true } else { false }
    case .string: (try? String(yaml: self)) != nil
    case .boolean: (try? Bool(yaml: self)) != nil
    case .integer: (try? Int64(yaml: self)) != nil || (try? UInt64(yaml: self)) != nil
    case .number: (try? Double(yaml: self)) != nil
    }
  }

  fileprivate var number: Double? {
    if let value = try? Int64(yaml: self) { return Double(value) }
    if let value = try? UInt64(yaml: self) { return Double(value) }
    return try? Double(yaml: self)
  }

  /// Whether it says what one of a schema's values says: a boolean, a number or a text.
  fileprivate func equals(_ value: YAMLNode) -> Bool {
    guard case .scalar(let scalar) = value.kind, scalar.isPlain else {
      return (try? String(yaml: self)) == (try? String(yaml: value))
    }
    if let truth = try? Bool(yaml: value) { return (try? Bool(yaml: self)) == truth }
    return number == value.number
  }
}

extension String {
  fileprivate func matches(_ pattern: String) -> Bool {
    // A pattern that is none fits nothing, so that the examples fail.
    guard let expression = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
    return firstMatch(of: expression) != nil
  }
}

extension [YAMLNode] {
  fileprivate var hasEqual: Bool {
    indices.contains { index in self[..<index].contains(self[index]) }
  }
}
