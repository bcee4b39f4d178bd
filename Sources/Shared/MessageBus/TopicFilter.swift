/// A topic with MQTT's wildcards: `+` for one level, `#` at the end for all that follow.
public struct TopicFilter: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let description: String

  public init(_ filter: String) {
    description = filter
  }

  public init(stringLiteral value: String) {
    self.init(value)
  }

  /// Whether a message on `topic` is meant; topics that begin with `$` are never meant by a leading wildcard.
  public func matches(_ topic: String) -> Bool {
    let filters = description.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let levels = topic.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if topic.utf8.first == UInt8(ascii: "$"),
      filters.first?.first == UInt8(ascii: "+") || filters.first?.first == UInt8(ascii: "#")
    {
      return false
    }
    for (index, filter) in filters.enumerated() {
      if filter.elementsEqual("#".utf8) { return true }
      guard index < levels.count else { return false }
      if !filter.elementsEqual("+".utf8), !filter.elementsEqual(levels[index]) { return false }
    }
    return filters.count == levels.count
  }

  /// Whether MQTT allows it: `+` and `#` stand alone in their level, `#` is the last.
  public var isValid: Bool {
    let levels = description.split(separator: "/", omittingEmptySubsequences: false)
    for (index, level) in levels.enumerated() where level.contains("+") || level.contains("#") {
      guard level == "+" || (level == "#" && index == levels.count - 1) else { return false }
    }
    return Self.hasText(description)
  }

  /// Whether one can publish to it: no wildcards.
  public static func isTopic(_ topic: String) -> Bool {
    hasText(topic) && !topic.contains("+") && !topic.contains("#")
  }

  private static func hasText(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 65535 && !text.utf8.contains(0)
  }
}
