/// A single value: its text, and whether it was written plain, without quotes and not as a block.
///
/// Only a plain scalar can be a number, a boolean or null; what it is, is decided by the one who reads it.
/// Two scalars are equal when every reader of this module gets the same from both: `abc` equals `"abc"`, but `7` is not
/// `"7"`.
public struct YAMLScalar: Sendable, Hashable {
  public var text: String
  public var isPlain: Bool

  public init(_ text: String, isPlain: Bool) {
    self.text = text
    self.isPlain = isPlain
  }

  /// Plain `~`, `null` or nothing at all.
  public var isNull: Bool {
    guard isPlain, text.utf8.count <= 4 else { return false }
    switch text {
    case "", "~", "null", "Null", "NULL": return true
    default: return false
    }
  }

  public static func == (left: YAMLScalar, right: YAMLScalar) -> Bool {
    if left.isNull || right.isNull { return left.isNull && right.isNull }
    guard left.text == right.text else { return false }
    return left.isPlain == right.isPlain || !left.text.isOtherThanStringWhenPlain
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(isNull ? "" : text)
  }
}
