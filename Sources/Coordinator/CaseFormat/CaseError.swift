/// Why a case cannot be read, in words: where in the file, or which name.
public struct CaseError: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String

  init(_ description: String) {
    self.description = description
  }
}
