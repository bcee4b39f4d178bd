/// Reads and writes the YAML of messages and configuration files by the system's libyaml.
///
/// Strict where YAML is dangerous or ambiguous: no anchors, aliases, tags, merge keys, duplicate keys; numbers and
/// booleans only where the reader asks for one, by fewer rules than YAML 1.1 (see `YAMLReadable`).
public enum YAML {
  /// The tree of one document, with or without `---` and `...`. An empty text gives a null node.
  public static func parse(_ bytes: [UInt8], limits: YAMLLimits = .message) throws(YAMLError) -> YAMLNode {
    try unsafe bytes.withUnsafeBufferPointer { (text) throws(YAMLError) in try unsafe parse(text, limits) }
  }

  public static func parse(_ text: String, limits: YAMLLimits = .message) throws(YAMLError) -> YAMLNode {
    try unsafe text.utf8.span.withUnsafeBufferPointer { (text) throws(YAMLError) in try unsafe parse(text, limits) }
  }

  private static func parse(
    _ text: UnsafeBufferPointer<UInt8>, _ limits: YAMLLimits
  ) throws(YAMLError) -> YAMLNode {
    var builder = TreeBuilder(try unsafe EventParser(unsafe: text, limits: limits))
    return try builder.document()
  }

  /// The text of `node`: block form with flow sequences where the tree says so, a newline at the end, no `---`.
  ///
  /// A string is written plain only if every reader of YAML 1.1 or 1.2 gets a string back; several lines become a
  /// literal (`|`). The tree's depth is the caller's care: it is walked by recursion.
  public static func emit(_ node: YAMLNode) -> [UInt8] {
    Emitter.emit(node)
  }
}
