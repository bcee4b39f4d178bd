/// Why a text could not be read, where in the text, and under which key.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable {
    /// Not YAML, or not UTF-8.
    case syntax
    /// Larger, deeper or with more parts than the reader's `YAMLLimits` allow.
    case limit
    /// YAML that is not for messages: anchor, alias, tag, merge key, several documents.
    case forbidden
    /// One key twice in a mapping.
    case duplicateKey
    /// A value of another type, or outside the type's range.
    case type
    /// A required key that is not there.
    case missing
    /// A key nobody asked for.
    case unknownKey
  }

  public var code: Code
  public var mark: YAMLMark
  /// The way from the root to the value, as in `parameter.vcpu-map[2]`; empty at the root.
  public var path: String
  public var reason: String

  public init(_ code: Code, _ reason: String, at mark: YAMLMark = .none, path: String = "") {
    self.code = code
    self.mark = mark
    self.path = path
    self.reason = reason
  }

  /// One line: place, path and reason, as far as they are known.
  public var description: String {
    var text = ""
    if mark != .none { text += "\(mark): " }
    if !path.isEmpty { text += "\(path): " }
    return text + reason
  }

  /// The same error seen from further out: `prefix` leads to the value that `path` starts from.
  @usableFromInline
  func inside(_ prefix: String) -> YAMLError {
    guard !prefix.isEmpty else { return self }
    var outer = self
    outer.path =
      if path.isEmpty { prefix } else if path.utf8.first == UInt8(ascii: "[") { prefix + path } else {
        "\(prefix).\(path)"
      }
    return outer
  }
}
