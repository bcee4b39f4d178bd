public import Glibc
import Synchronization

/// A program that a test has started and must end, by its process id.
public final class ChildProcess: Sendable {
  public let id: pid_t
  /// The program and its arguments, for what is said of it.
  private let command: String
  /// Nil while it runs; the status of `waitpid`.
  private let status = Mutex<Int32?>(nil)

  /// - Parameters:
  ///   - arguments: without the program's own name.
  ///   - output: the file that takes standard output and error; nil: they are thrown away.
  public init(_ executable: String, _ arguments: [String], output: String? = nil) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(
      &actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o644)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A test's own files and sockets are none of the program's business: a connection that it shares does not end
    // when the test closes it. To close what is not open is no error here.
    for descriptor in 3..<Int32(min(sysconf(Int32(_SC_OPEN_MAX)), 4096)) {
      unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var words = unsafe ([executable] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    // Swift's threads block signals, and a child inherits that: it would be deaf to SIGTERM.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigfillset(&signals)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var id: pid_t = 0
    let failure = unsafe posix_spawn(&id, executable, &actions, &attributes, &words, environ)
    guard failure == 0 else {
      throw ChildError(description: "start \(executable): \(unsafe String(cString: strerror(failure)))")
    }
    self.id = id
    command = ([executable] + arguments).joined(separator: " ")
  }

  /// The last resort: a test that was left early.
  deinit {
    guard isRunning else { return }
    kill(id, SIGKILL)
    var status: Int32 = 0
    _ = unsafe waitpid(id, &status, 0)
  }

  public var isRunning: Bool {
    status.withLock { known in
      guard known == nil else { return false }
      var status: Int32 = 0
      // The zombie is kept until here, so the id cannot have been given to another process.
      guard unsafe waitpid(id, &status, WNOHANG) == id else { return true }
      known = status
      return false
    }
  }

  /// The exit code, or 128 and the signal's number; nil while it runs.
  public var exitCode: Int32? {
    guard !isRunning else { return nil }
    return status.withLock { $0.map { $0 & 0x7f == 0 ? $0 >> 8 & 0xff : 128 + $0 & 0x7f } }
  }

  /// Sends a signal, unless the program has ended.
  public func signal(_ signal: Int32) {
    if isRunning { kill(id, signal) }
  }

  /// Ends the program with `signal` and waits until it has ended.
  public func end(with signal: Int32) async throws {
    self.signal(signal)
    try await eventually("end of process \(id), \(command)") { !isRunning }
  }

  public func wait(within limit: Duration = .seconds(30)) async throws -> Int32 {
    try await eventually("end of process \(id), \(command)", within: limit) { exitCode }
  }
}

/// A program could not be started.
public struct ChildError: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) {
    self.description = description
  }
}
