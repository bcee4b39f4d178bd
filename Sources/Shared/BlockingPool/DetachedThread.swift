import Glibc

/// A thread of the operating system, which nobody waits for: one by one for the pool, or for a loop that never ends.
package enum DetachedThread {
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// - Parameter name: 15 bytes at most.
  /// - Returns: whether the system gave a thread; if not, `body` is never called.
  package static func start(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
    var thread = pthread_t()
    guard unsafe pthread_create(&thread, nil, run, start) == 0 else {
      unsafe Unmanaged<Start>.fromOpaque(start).release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private static let run: @Sendable @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
    argument in
    guard let argument = unsafe argument else { return nil }
    let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    leaveSignalsToOthers()
    takeName(start.name)
    start.body()
    return nil
  }

  /// By way of /proc: Swift's Glibc module has no `pthread_setname_np`, and `prctl` is variadic. Without the name the
  /// thread works as well, so a failure is not reported.
  private static func takeName(_ name: String) {
    let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    unsafe write(file, name, name.utf8.count)
    close(file)
  }

  /// Signals to the process are for threads that expect them: one that lands here would break off a C call half-way.
  ///
  /// Those that the thread brings about by its own instructions stay, or a crash would go without its report.
  private static func leaveSignalsToOthers() {
    var set = sigset_t()
    unsafe sigfillset(&set)
    for own in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
      unsafe sigdelset(&set, own)
    }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }
}
