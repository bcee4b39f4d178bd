import Glibc

/// A counting semaphore: each ring lets one waiting thread go on, now or later.
///
/// The condition beside the crew's `Mutex`, which knows none of its own.
@safe
final class Bell: Sendable {
  /// POSIX semaphores are made to be shared between threads; the pointer itself never changes.
  private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    unsafe semaphore = .allocate(capacity: 1)
    unsafe sem_init(semaphore, 0, 0)
  }

  deinit {
    unsafe sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  func ring() {
    // Fails only beyond SEM_VALUE_MAX rings at once; there are never more than threads.
    unsafe sem_post(semaphore)
  }

  func wait() {
    // A signal may end the wait early; then nothing has been rung.
    while unsafe sem_wait(semaphore) != 0 {}
  }
}
