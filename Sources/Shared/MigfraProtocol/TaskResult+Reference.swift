import ClusterModel
import YAML

/// How results are written.
public enum ResultDialect: String, Sendable, CaseIterable {
  /// As the published protocol has them.
  case seed
  /// As the C++ program writes them, for clients that were written against it.
  case reference
}

extension TaskResult {
  /// The answer as the C++ program gives it: two document marks, the id last, only `vm migrated` flat, times as a map,
  /// details only of errors.
  func encodedForReference() -> [UInt8] {
    var fields: [(String, YAMLNode)] = [("result", .string(title.rawValue))]
    if title == .vmMigrated, entries.count == 1 {
      fields += entries[0].referenceFields
    } else {
      fields.append(("list", .sequence(entries.map { .mapping($0.referenceFields) })))
    }
    if let id { fields.append(("id", .string(id.rawValue))) }
    return Array("---\n".utf8) + YAML.emit(.mapping(fields)) + Array("---\n".utf8)
  }
}

extension VMOutcome {
  fileprivate var referenceFields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = [
      ("vm-name", .string(vm.rawValue)), ("status", isSuccess ? "success" : "error"),
    ]
    if !isSuccess, let details { fields.append(("details", .string(details))) }
    if !times.isEmpty {
      fields.append(("time-measurement", .mapping(times.map { ($0.tag, .real($0.seconds)) })))
    }
    return fields
  }
}
