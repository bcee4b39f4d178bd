import CMosquitto
import Glibc
import MessageBus
import Synchronization

/// Rouses the thread that waits in `poll`, from any thread.
final class WakeUp: Sendable {
  let descriptor: Int32
  /// So that a thousand publishes in a row cost one system call.
  private let isSignalled = Atomic(false)

  init() throws(BusError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard descriptor >= 0 else { throw BusError(.failed, "start the bus: eventfd: \(Words.system(errno))") }
  }

  deinit { close(descriptor) }

  func signal() {
    guard !isSignalled.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var one: UInt64 = 1
    // It can only fail when the counter is full, and then the thread is awake.
    _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  /// Called by the thread once awake, before it looks for work.
  func clear() {
    var count: UInt64 = 0
    _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    // Acquires what the signallers have released: who finds the flag set writes nothing.
    _ = isSignalled.exchange(false, ordering: .acquiringAndReleasing)
  }
}
