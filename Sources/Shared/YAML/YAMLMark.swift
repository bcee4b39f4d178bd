/// A place in a YAML text, for messages a person can act on. Both numbers count from 1, columns in characters.
public struct YAMLMark: Sendable, Hashable, CustomStringConvertible {
  /// The place of a node that was made in memory.
  public static let none = YAMLMark(line: 0, column: 0)

  // Marks are the larger part of a tree; half the size is worth two conversions. Texts are far below 4 Gi lines.
  private var storedLine: UInt32
  private var storedColumn: UInt32

  public init(line: Int, column: Int) {
    storedLine = UInt32(clamping: line)
    storedColumn = UInt32(clamping: column)
  }

  public var line: Int {
    get { Int(storedLine) }
    set { storedLine = UInt32(clamping: newValue) }
  }

  public var column: Int {
    get { Int(storedColumn) }
    set { storedColumn = UInt32(clamping: newValue) }
  }

  public var description: String { "line \(line), column \(column)" }
}
