import Foundation

/// Where a program keeps what must survive it.
public struct StateDirectory: Sendable {
  /// Why it cannot be used, with the way out.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let path: String

  /// Makes the directory if it is not there.
  public init(_ path: String) throws(Failure) {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure(
        description: "state directory \(path) cannot be made: \(error.localizedDescription); choose another with "
          + "'state-directory' in the configuration")
    }
  }

  public func file(_ name: String) -> String { path + "/" + name }
}
