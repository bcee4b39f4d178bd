import Glibc

/// The file beside a database to which SQLite appends what is written.
///
/// With `synchronous = NORMAL` SQLite brings it to disk before it copies from it, and otherwise leaves that to the caller:
/// who has something else to do first can do it meanwhile.
struct WriteAheadLog: ~Copyable, Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let path: String
  private let descriptor: Int32

  /// - Parameter path: of the database, to which something has been written: the file stays the same one until it is closed.
  init(ofDatabase path: String) throws(Failure) {
    self.path = path + "-wal"
    descriptor = unsafe open(self.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(self.path, "opened", errno) }
  }

  deinit {
    close(descriptor)
  }

  /// On return everything that has been written survives a power failure.
  func flush() throws(Failure) {
    while fdatasync(descriptor) != 0 {
      guard errno == EINTR else { throw Self.failure(path, "brought to disk", errno) }
    }
  }

  private static func failure(_ path: String, _ what: String, _ code: Int32) -> Failure {
    Failure(description: "\(path) cannot be \(what): \(unsafe String(cString: strerror(code)))")
  }
}
