/// How much a text may ask of its reader. Checked while reading, so that a hostile text is dropped early.
public struct YAMLLimits: Sendable, Hashable {
  /// No tree is deeper than this, whatever the limits say: trees are walked, compared and freed by recursion.
  public static let deepest = 256

  /// Size of the text, in bytes.
  public var bytes: Int
  /// Sequences and mappings inside each other; the outermost counts as 1. Never more than `deepest`.
  public var depth: Int
  /// Parser events: one for a scalar, two for a sequence or a mapping, four for the document.
  public var events: Int

  public init(bytes: Int, depth: Int, events: Int) {
    self.bytes = bytes
    self.depth = depth
    self.events = events
  }

  /// For what arrives over the bus.
  public static let message = YAMLLimits(bytes: 1 << 20, depth: 32, events: 200_000)

  /// For files of this machine's administrator.
  public static let configuration = YAMLLimits(bytes: 4 << 20, depth: 64, events: 1_000_000)
}
