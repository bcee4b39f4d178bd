import YAML

/// What is met on the way through a task, beside the fields of its kind.
struct TaskFindings {
  /// The first driver that is named.
  private(set) var driver: String?
  /// Whether an entry asks how long it took; the reference knows the key only there.
  private(set) var measuresTime = false

  /// Where the reference reads a driver.
  mutating func readDriver(of reader: inout MappingReader) throws(YAMLError) {
    guard reader.asksFor("driver") else { return }
    let name = try reader.required("driver", as: String.self)
    guard name.utf8.count <= 128 else { throw reader.error("expected the name of a driver", key: "driver") }
    driver = driver ?? name
  }

  /// Keys that the reference reads in each entry of a list.
  mutating func readCommonKeys(of entry: inout MappingReader) throws(YAMLError) {
    // Entries run side by side where they can, whatever this says.
    _ = try entry.optional("concurrent-execution", as: Bool.self)
    if try entry.optional("time-measurement") ?? false { measuresTime = true }
    try readDriver(of: &entry)
  }
}

extension YAMLNode {
  /// Whether the value asks for anything: not when it is `false`, `0` or empty.
  var asksForSomething: Bool {
    switch kind {
    case .scalar(let scalar): !scalar.isNull && !["", "false", "no", "off", "0"].contains(scalar.text.lowercased())
    case .sequence(let items, _): !items.isEmpty
    case .mapping(let mapping): !mapping.entries.isEmpty
    }
  }
}
