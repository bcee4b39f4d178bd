/// Why a text could not be read as XML, and where.
public struct XMLError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable {
    /// Not XML, or characters that XML does not have.
    case syntax
    /// Larger than what is read.
    case limit
    /// XML that a description has no business to contain: a DOCTYPE.
    case forbidden
  }

  public var code: Code
  /// Counts from 1; 0: the text as a whole.
  public var line: Int
  public var reason: String

  public init(_ code: Code, _ reason: String, line: Int = 0) {
    self.code = code
    self.line = line
    self.reason = reason
  }

  public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}
