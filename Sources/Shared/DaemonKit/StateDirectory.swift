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

  /// A number greater than any that this directory has given before, and not below `least`.
  public func nextEpoch(_ name: String, atLeast least: UInt64) throws(Failure) -> UInt64 {
    let file = file(name)
    // A file that is damaged tells nothing; the clock does.
    let text = FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
    let before = text.flatMap { UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
    guard before < .max else { throw Failure(description: "\(file) holds the last epoch that there is; remove it") }
    let epoch = max(before + 1, least)
    do {
      try Data("\(epoch)".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
      return epoch
    } catch {
      throw Failure(description: "\(file) cannot be written: \(error.localizedDescription)")
    }
  }
}
