public import DaemonKit
import Foundation
import Glibc
import GuestAgentCore
import YAML

/// The agent's record on disk, and the assurance that no other agent toggles the same processes.
public final class StateFile: Sendable {
  /// Why it cannot be used, with the way out.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private let directory: String
  private let path: String
  /// Locked as long as it is open: also a killed agent's is free.
  private let lock: Int32

  public init(in directory: StateDirectory) throws(Failure) {
    self.directory = directory.path
    path = directory.file("guest-agent.yaml")
    let lockFile = directory.file("guest-agent.lock")
    lock = unsafe open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw Self.failure(lockFile, "opened") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let failure = errno
      close(lock)
      guard failure == EWOULDBLOCK else { throw Self.failure(lockFile, "locked", failure) }
      throw Failure(
        description: "another agent works with \(directory.path); two would undo each other's signals. Stop it")
    }
  }

  deinit {
    close(lock)
  }

  /// What the last run has left; nil: there was none.
  ///
  /// A file that cannot be read is no reason to begin anew: processes that are suspended would be taken for running,
  /// and toggled the wrong way.
  func read() throws(Failure) -> AgentRecord? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      return try AgentRecord.decode(Array(Data(contentsOf: URL(fileURLWithPath: path))))
    } catch let error as YAMLError {
      throw Failure(
        description: "\(path), \(error); if no process here is suspended, remove the file")
    } catch {
      throw Failure(description: "\(path) cannot be read: \(error.localizedDescription)")
    }
  }

  /// The record is on disk when this returns, or the one before it is.
  func write(_ record: AgentRecord) throws(Failure) {
    let draft = path + ".new"
    try Self.write(record.encoded(), to: draft)
    guard unsafe rename(draft, path) == 0 else { throw Self.failure(draft, "renamed") }
    // Without this a power failure could bring the old name's content back.
    let folder = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Self.failure(directory, "opened") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Self.failure(directory, "written") }
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure(path, "opened") }
    defer { close(file) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(path, "written") }
      rest = rest.dropFirst(count)
    }
    guard fsync(file) == 0 else { throw failure(path, "written") }
  }

  private static func failure(_ path: String, _ verb: String, _ code: Int32 = errno) -> Failure {
    Failure(description: "\(path) cannot be \(verb): \(unsafe String(cString: strerror(code)))")
  }
}
