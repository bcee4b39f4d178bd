public import ClusterModel
public import YAML

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

extension JobName: YAMLReadable {
  public static var expectation: String {
    "a job's name (1 to 255 bytes, no control characters, no space at either end)"
  }

  public init(yaml: YAMLNode) throws(YAMLError) {
    self.init(rawValue: try String(yaml: yaml))
    guard isValid else { throw yaml.mismatch(Self.expectation) }
  }
}

extension TaskID: YAMLReadable {
  /// Room for the ids that a coordinator and a worker make of plans, hosts and machines with the longest names.
  static let maximumBytes = 1024

  public static var expectation: String { "an id of at most \(maximumBytes) bytes" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    self.init(rawValue: try String(yaml: yaml))
    guard rawValue.utf8.count <= Self.maximumBytes else { throw yaml.mismatch(Self.expectation) }
  }
}

extension NamePattern: YAMLReadable {
  public static var expectation: String { "a regular expression of at most 1024 characters" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    let text = try String(yaml: yaml)
    guard !text.isEmpty, text.unicodeScalars.count <= 1024 else { throw yaml.mismatch(Self.expectation) }
    do throws(Flaw) {
      try self.init(text)
    } catch {
      throw yaml.mismatch("a regular expression (\(error))")
    }
  }
}

/// A number of things: whole, not negative.
struct Count: YAMLReadable {
  var value: Int

  static var expectation: String { "a whole number, not negative" }

  init(yaml: YAMLNode) throws(YAMLError) {
    value = try Int(yaml: yaml)
    guard value >= 0 else { throw yaml.mismatch(Self.expectation) }
  }
}

extension MappingReader {
  /// A size in KiB. More than any machine has is taken for the most that is reckoned with, 64 TiB, so that no sum of
  /// what a report may list overflows.
  mutating func requiredMemory(_ key: String) throws(YAMLError) -> Int {
    min(try requiredCount(key), 1 << 36)
  }

  /// A number of CPUs, at most a million for the same reason.
  mutating func requiredCPUs(_ key: String) throws(YAMLError) -> Int {
    min(try requiredCount(key), 1 << 20)
  }

  mutating func optionalCount(_ key: String) throws(YAMLError) -> Int? {
    try optional(key, as: Count.self)?.value
  }

  mutating func requiredCount(_ key: String) throws(YAMLError) -> Int {
    try required(key, as: Count.self).value
  }
}

extension MappingReader {
  /// Whether the key is there and says more than "nothing".
  mutating func asksFor(_ key: String) -> Bool {
    node(key)?.asksForSomething == true
  }

  /// Sets of CPUs, one for each virtual CPU; none may be empty.
  mutating func requiredMap(_ key: String) throws(YAMLError) -> VCPUMap {
    let map = try required(key, as: [[Count]].self).map { $0.map(\.value) }
    guard !map.isEmpty, map.count <= 4096,
      map.allSatisfy({ !$0.isEmpty && $0.count <= 4096 && $0.allSatisfy { $0 < 1 << 20 } })
    else {
      throw error("expected a list with a list of CPUs for each virtual CPU, such as [[4], [5], [6, 7]]", key: key)
    }
    return map
  }
}

extension MigrationType: YAMLReadable {}
extension Deadline.Policy: YAMLReadable {}
extension PlacementMode: YAMLReadable {}
extension VirtualMachine.State: YAMLReadable {}
extension HostReport.Presence: YAMLReadable {}
extension NodeReport.State: YAMLReadable {}
extension PlanReport.State: YAMLReadable {}
extension PlanReport.Move.State: YAMLReadable {}
extension PlanReport.Move.Stage: YAMLReadable {}
extension Plan.Unplaced.Cause: YAMLReadable {}
extension MigrationProgress.Phase: YAMLReadable {}
extension TaskMessage.Kind: YAMLReadable {}
extension TaskResult.Title: YAMLReadable {}
extension TaskResult.Status: YAMLReadable {}
