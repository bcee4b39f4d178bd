/// A value in a YAML text: a scalar, a sequence or a mapping.
///
/// Equality is about meaning: marks, quotes and flow or block form do not matter, the order of keys does.
public struct YAMLNode: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    case scalar(YAMLScalar)
    /// `flow` asks the emitter for `[a, b]`.
    case sequence([YAMLNode], flow: Bool)
    case mapping(YAMLMapping)

    public static func == (left: Kind, right: Kind) -> Bool {
      switch (left, right) {
      case (.scalar(let left), .scalar(let right)): left == right
      case (.sequence(let left, _), .sequence(let right, _)): left == right
      case (.mapping(let left), .mapping(let right)): left == right
      default: false
      }
    }
  }

  public var kind: Kind
  public var mark: YAMLMark

  public init(_ kind: Kind, mark: YAMLMark = .none) {
    self.kind = kind
    self.mark = mark
  }

  public static func == (left: YAMLNode, right: YAMLNode) -> Bool {
    left.kind == right.kind
  }

  /// Plain `~`, `null` or nothing at all.
  public var isNull: Bool {
    if case .scalar(let scalar) = kind { scalar.isNull } else { false }
  }

  /// What an error says it found here: `'abc'`, `a list`. Long texts are cut, control characters written as escapes.
  public var found: String {
    switch kind {
    case .scalar(let scalar) where scalar.isNull: "nothing"
    case .scalar(let scalar): scalar.isPlain ? scalar.text.quotedForErrors : "the string \(scalar.text.quotedForErrors)"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// A type error at this node.
  public func mismatch(_ expectation: String) -> YAMLError {
    YAMLError(.type, "expected \(expectation), found \(found)", at: mark)
  }
}
