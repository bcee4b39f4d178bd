/// Keys and values in the order of the text. Parsed mappings have no key twice.
public struct YAMLMapping: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var key: String
    public var keyMark: YAMLMark
    public var value: YAMLNode

    public init(key: String, keyMark: YAMLMark = .none, value: YAMLNode) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
    }

    public static func == (left: Entry, right: Entry) -> Bool {
      left.key == right.key && left.value == right.value
    }
  }

  public var entries: [Entry]

  public init(_ entries: [(String, YAMLNode)]) {
    self.entries = entries.map { Entry(key: $0.0, value: $0.1) }
  }

  init(entries: [Entry]) {
    self.entries = entries
  }

  /// The value of `key`, found by looking through all entries.
  public subscript(key: String) -> YAMLNode? {
    entries.first { $0.key == key }?.value
  }
}
