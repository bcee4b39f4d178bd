/// Reads a mapping key by key and knows which keys nobody asked for.
///
/// The generic readers are inlinable: a message is read by some dozen of them, and each is far cheaper when the
/// compiler knows the type.
///
///     var reader = try MappingReader(YAML.parse(text))
///     let name: String = try reader.required("vm-name")
///     let memory: UInt64? = try reader.optional("memory")
///     try reader.refuseUnread()
public struct MappingReader: Sendable {
  /// A key nobody asked for, and the absent key it was perhaps meant to be.
  private struct Unread: Sendable {
    var key: String
    var path: String
    var mark: YAMLMark
    var candidates: [String]
  }

  /// Where the mapping begins.
  public var mark: YAMLMark
  private let place: MappingPath
  private let entries: [YAMLMapping.Entry]
  private var isRead: KeySet
  // Keys mostly come in the order in which they are asked for, so each search begins where the last one ended.
  private var position = 0
  // Keys asked for in vain: what an unread key may be a misspelling of.
  private var absent: [String] = []
  private var absorbed: [Unread] = []

  /// `path` is where the mapping stands in the text, for errors.
  public init(_ node: YAMLNode, path: String = "") throws(YAMLError) {
    try self.init(node, place: MappingPath(path))
  }

  private init(_ node: YAMLNode, place: MappingPath) throws(YAMLError) {
    guard case .mapping(let mapping) = node.kind else {
      throw node.mismatch("a mapping").inside(place.description)
    }
    mark = node.mark
    self.place = place
    entries = mapping.entries
    isRead = KeySet()
  }

  /// Where the mapping stands in the text; empty at the root.
  public var path: String { place.description }

  /// The value of `key`, null included. Counts as read.
  public mutating func node(_ key: String) -> YAMLNode? {
    guard let index = index(of: key) else {
      // With every key read already, no suggestion will be wanted.
      if isRead.count < entries.count { absent.append(key) }
      return nil
    }
    isRead.insert(index)
    position = index + 1
    return entries[index].value
  }

  /// The value of `key`; `.missing` without one, `.type` if it is null or cannot be read.
  @inlinable
  public mutating func required<T: YAMLReadable>(_ key: String, as type: T.Type = T.self) throws(YAMLError) -> T {
    guard let node = node(key) else { throw missing(key, T.expectation) }
    do throws(YAMLError) {
      return try T(yaml: node)
    } catch {
      throw located(error, key)
    }
  }

  /// The value of `key`, nil if there is none or it is null.
  @inlinable
  public mutating func optional<T: YAMLReadable>(_ key: String, as type: T.Type = T.self) throws(YAMLError) -> T? {
    guard let node = node(key), !node.isNull else { return nil }
    do throws(YAMLError) {
      return try T(yaml: node)
    } catch {
      throw located(error, key)
    }
  }

  /// A reader of the mapping at `key`, nil if there is none or it is null. Give it to `absorb` when done.
  public mutating func reader(_ key: String) throws(YAMLError) -> MappingReader? {
    guard let node = node(key), !node.isNull else { return nil }
    return try MappingReader(node, place: .below(place.step, key: key))
  }

  /// A list of mappings, each read by `read`; nil if there is none or it is null. The items are absorbed.
  @inlinable
  public mutating func list<R>(
    _ key: String, _ read: (inout MappingReader) throws(YAMLError) -> R
  ) throws(YAMLError) -> [R]? {
    guard let children = try items(of: key) else { return nil }
    var results: [R] = []
    results.reserveCapacity(children.nodes.count)
    for node in children.nodes {
      var child = try MappingReader(node, item: results.count, of: key, below: children.step)
      results.append(try read(&child))
      absorb(child)
    }
    return results
  }

  /// Takes over the child's unread keys.
  public mutating func absorb(_ child: MappingReader) {
    guard child.hasUnread else { return }
    absorbed += child.allUnread
  }

  /// The keys nobody asked for with their full paths, those of absorbed readers behind the own ones.
  public var unread: [(path: String, mark: YAMLMark)] {
    hasUnread ? allUnread.map { ($0.path, $0.mark) } : []
  }

  /// Throws `.unknownKey` for the first key nobody asked for, with a suggestion when it resembles one of `known` or a
  /// key that was asked for in vain.
  public func refuseUnread(known: [String] = []) throws(YAMLError) {
    guard hasUnread, let first = allUnread.first else { return }
    let suggestion = first.key.nearest(in: known + first.candidates).map { ", did you mean '\($0)'?" } ?? ""
    throw YAMLError(.unknownKey, "unknown key\(suggestion)", at: first.mark, path: first.path)
  }

  /// An error about the value of `key`, or about the whole mapping: for what only the caller can judge.
  public func error(_ reason: String, key: String? = nil, code: YAMLError.Code = .type) -> YAMLError {
    guard let key else { return YAMLError(code, reason, at: mark, path: path) }
    let entry = entries.first { $0.key == key }
    return YAMLError(code, reason, at: entry?.value.mark ?? mark, path: place.description(of: key))
  }

  private var hasUnread: Bool { isRead.count < entries.count || !absorbed.isEmpty }

  private var allUnread: [Unread] {
    let own = entries.indices.lazy.filter { !isRead.contains($0) }.map { index in
      let entry = entries[index]
      return Unread(key: entry.key, path: place.description(of: entry.key), mark: entry.keyMark, candidates: absent)
    }
    return own + absorbed
  }

  private func index(of key: String) -> Int? {
    for index in position..<entries.count where entries[index].key == key { return index }
    for index in 0..<position where entries[index].key == key { return index }
    return nil
  }

  @usableFromInline
  func missing(_ key: String, _ expectation: String) -> YAMLError {
    YAMLError(.missing, "required, expected \(expectation)", at: mark, path: place.description(of: key))
  }

  @usableFromInline
  func located(_ error: YAMLError, _ key: String) -> YAMLError {
    error.inside(place.description(of: key))
  }

  @usableFromInline
  mutating func items(of key: String) throws(YAMLError) -> (nodes: [YAMLNode], step: MappingPath.Step?)? {
    guard let node = node(key), !node.isNull else { return nil }
    guard case .sequence(let items, _) = node.kind else { throw located(node.mismatch("a list of mappings"), key) }
    return (items, place.step)
  }

  @usableFromInline
  init(_ node: YAMLNode, item: Int, of key: String, below step: MappingPath.Step?) throws(YAMLError) {
    try self.init(node, place: .below(step, key: key, index: item))
  }
}
