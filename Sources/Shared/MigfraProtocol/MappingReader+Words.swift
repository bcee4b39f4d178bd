import ClusterModel
import YAML

extension HostName: YAMLReadable {
  public static var expectation: String { "a host name (letters, digits, '.', '-', '_')" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    self.init(rawValue: try String(yaml: yaml))
    guard isValid else { throw yaml.mismatch(Self.expectation) }
  }
}

extension VMName: YAMLReadable {
  public static var expectation: String { "a machine's name (1 to 255 bytes, no '/', '+', '#', control characters)" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    self.init(rawValue: try String(yaml: yaml))
    guard isValid else { throw yaml.mismatch(Self.expectation) }
  }
}

extension TaskID: YAMLReadable {
  public static var expectation: String { "an id of at most 256 bytes" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    self.init(rawValue: try String(yaml: yaml))
    guard rawValue.utf8.count <= 256 else { throw yaml.mismatch(Self.expectation) }
  }
}

extension YAMLNode {
  /// The error for a value that is not what was expected; long values are cut.
  func mismatch(_ expectation: String) -> YAMLError {
    guard case .scalar(let scalar) = kind else {
      return YAMLError(.type, "expected \(expectation)", at: mark)
    }
    let shown = scalar.text.count > 40 ? scalar.text.prefix(40) + "…" : scalar.text[...]
    return YAMLError(.type, "expected \(expectation), found '\(shown)'", at: mark)
  }
}

/// One of the words of an enumeration.
struct Word<Value: RawRepresentable & CaseIterable & Sendable>: YAMLReadable where Value.RawValue == String {
  var value: Value

  static var expectation: String {
    "one of " + Value.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
  }

  init(yaml: YAMLNode) throws(YAMLError) {
    guard let value = Value(rawValue: try String(yaml: yaml)) else { throw yaml.mismatch(Self.expectation) }
    self.value = value
  }
}

extension MappingReader {
  mutating func optionalWord<Value: RawRepresentable & CaseIterable & Sendable>(
    _ key: String
  ) throws(YAMLError) -> Value? where Value.RawValue == String {
    try optional(key, as: Word<Value>.self)?.value
  }

  mutating func requiredWord<Value: RawRepresentable & CaseIterable & Sendable>(
    _ key: String
  ) throws(YAMLError) -> Value where Value.RawValue == String {
    try required(key, as: Word<Value>.self).value
  }

  /// A count that is not negative and fits an `Int`.
  mutating func optionalCount(_ key: String, upTo limit: Int = Int.max) throws(YAMLError) -> Int? {
    guard let node = node(key), !node.isNull else { return nil }
    guard let value = try? Int(yaml: node), (0...limit).contains(value) else {  // what is wrong is said right below
      let most = limit == Int.max ? "" : " up to \(limit)"
      throw node.mismatch("a whole number\(most), not negative").under(key)
    }
    return value
  }

  mutating func requiredCount(_ key: String) throws(YAMLError) -> Int {
    guard let value = try optionalCount(key) else {
      throw YAMLError(.missing, "required, expected a whole number", at: mark, path: key)
    }
    return value
  }
}

extension YAMLError {
  /// The same error, said of a key.
  func under(_ key: String) -> YAMLError {
    var error = self
    error.path = path.isEmpty ? key : path.hasPrefix("[") ? key + path : "\(key).\(path)"
    return error
  }
}
