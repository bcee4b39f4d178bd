import YAML
import Yams

/// A message in the three ways that are compared: by our module, by `Codable`, by hand from Yams' nodes.
protocol BenchMessage: Codable, Equatable {
  static var text: String { get }

  init(_ reader: inout MappingReader) throws(YAMLError)
  init(_ node: Yams.Node) throws
  var yaml: YAMLNode { get }
}

/// What by-hand decoding of Yams' nodes throws.
struct Unreadable: Error {
  var key: String
}

extension Yams.Node {
  func required<T>(_ key: String, _ read: (Yams.Node) -> T?) throws -> T {
    guard let node = self[key], let value = read(node) else { throw Unreadable(key: key) }
    return value
  }

  func optional<T>(_ key: String, _ read: (Yams.Node) -> T?) throws -> T? {
    guard let node = self[key] else { return nil }
    guard let value = read(node) else { throw Unreadable(key: key) }
    return value
  }

  func list<T>(_ key: String, _ read: (Yams.Node) throws -> T) throws -> [T] {
    guard let items = self[key]?.sequence else { throw Unreadable(key: key) }
    return try items.map(read)
  }
}
