import YAML

/// What is met on the way through a task, beside the fields of its kind.
struct TaskFindings {
  /// Options that the protocol has and this version has not: asking for one is answered with an error, because a job
  /// whose connections are not suspended, or a device that is not attached, is worse than no answer.
  private(set) var unavailableOptions: [String] = []
  /// Whether an entry asks how long it took; the reference knows the key only there.
  private(set) var measuresTime = false

  /// Notes each key that is present and asks for something.
  mutating func refuse(_ keys: [String], in reader: inout MappingReader) {
    for key in keys where reader.asksFor(key) && !unavailableOptions.contains(key) {
      unavailableOptions.append(key)
    }
  }

  mutating func refuseMigrationExtras(in reader: inout MappingReader) {
    refuse(["rdma-migration", "pscom-hook-procs", "transport", "driver"], in: &reader)
  }

  /// Keys that the reference reads in each entry of a list.
  mutating func readCommonKeys(of entry: inout MappingReader) throws(YAMLError) {
    // Entries run side by side where they can, whatever this says.
    _ = try entry.optional("concurrent-execution", as: Bool.self)
    if try entry.optional("time-measurement") ?? false { measuresTime = true }
    refuse(["driver"], in: &entry)
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
