/// Makes a tree of a parser's events: one document, scalar keys, no key twice.
struct TreeBuilder: ~Copyable {
  // A mapping with more keys than this is checked for duplicates by hashing; below, comparing all is faster.
  private static let linearKeys = 16

  // Saves the first steps of growing; most collections of messages are small.
  private static let firstCapacity = 4

  private var parser: EventParser

  init(_ parser: consuming EventParser) {
    self.parser = parser
  }

  /// The only document; a null node if there is none.
  ///
  /// One empty document may follow, because the reference daemon ends its messages with `---`.
  mutating func document() throws(YAMLError) -> YAMLNode {
    guard case .documentStart = try parser.next() else { return YAMLNode(YAMLNode.null.kind, mark: parser.mark) }
    let root = try node()
    _ = try parser.next()
    if case .documentStart = try parser.next() {
      let mark = parser.mark
      guard case .scalar(let scalar) = try parser.next(), scalar.isPlain, scalar.text.isEmpty,
        case .documentEnd = try parser.next(), case .streamEnd = try parser.next()
      else { throw YAMLError(.forbidden, "more than one document", at: mark) }
    }
    return root
  }

  private mutating func node() throws(YAMLError) -> YAMLNode {
    let event = try parser.next()
    return try node(of: event, at: parser.mark)
  }

  /// The node that begins with `event`. Recursive, no deeper than the parser's limit.
  private mutating func node(of event: EventParser.Event, at mark: YAMLMark) throws(YAMLError) -> YAMLNode {
    switch event {
    case .scalar(let scalar): YAMLNode(.scalar(scalar), mark: mark)
    case .sequenceStart(let flow): YAMLNode(.sequence(try items(), flow: flow), mark: mark)
    case .mappingStart: YAMLNode(.mapping(YAMLMapping(entries: try entries())), mark: mark)
    default: throw YAMLError(.syntax, "a value expected", at: mark)
    }
  }

  private mutating func items() throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    while true {
      do throws(YAMLError) {
        let event = try parser.next()
        if case .sequenceEnd = event { return items }
        if items.isEmpty { items.reserveCapacity(Self.firstCapacity) }
        items.append(try node(of: event, at: parser.mark))
      } catch {
        throw error.inside(built: "[\(items.count)]")
      }
    }
  }

  private mutating func entries() throws(YAMLError) -> [YAMLMapping.Entry] {
    var entries: [YAMLMapping.Entry] = []
    var keys: Set<String> = []
    while true {
      let event = try parser.next()
      let mark = parser.mark
      let key: String
      switch event {
      case .scalar(let scalar): key = try self.key(scalar, at: mark)
      case .mappingEnd: return entries
      default: throw YAMLError(.type, "expected a key, found a collection", at: mark)
      }
      let isNew: Bool
      if entries.count < Self.linearKeys {
        isNew = !entries.contains { $0.key == key }
      } else {
        if keys.isEmpty { keys = Set(entries.lazy.map(\.key)) }
        isNew = keys.insert(key).inserted
      }
      guard isNew else {
        let line = entries.first { $0.key == key }?.keyMark.line ?? 0
        throw YAMLError(
          .duplicateKey, "the key is there twice, first in line \(line)", at: mark, path: key.shortenedForErrors)
      }
      if entries.isEmpty { entries.reserveCapacity(Self.firstCapacity) }
      do throws(YAMLError) {
        entries.append(YAMLMapping.Entry(key: key, keyMark: mark, value: try node()))
      } catch {
        throw error.inside(built: key)
      }
    }
  }

  private func key(_ scalar: YAMLScalar, at mark: YAMLMark) throws(YAMLError) -> String {
    if scalar.isPlain {
      if scalar.text == "<<" { throw YAMLError(.forbidden, "merge keys (<<) are not accepted", at: mark) }
      if scalar.text.isEmpty { throw YAMLError(.type, "expected a key, found nothing", at: mark) }
    }
    return scalar.text
  }
}

extension YAMLError {
  /// While building: where libyaml stops is often behind the culprit, so that a path would mislead.
  fileprivate func inside(built step: String) -> YAMLError {
    code == .syntax || code == .limit ? self : inside(step.shortenedForErrors)
  }
}
