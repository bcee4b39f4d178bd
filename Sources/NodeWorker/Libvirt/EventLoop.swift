import BlockingPool
import CLibvirt
import Glibc

/// libvirt's event loop, which one thread runs for the life of the process.
///
/// libvirt has one per process and no way to take it back: it must be there before the first connection is opened, and
/// must go on after the last is closed, because callbacks unregister late. Without it there are no events and no
/// keepalive, and connections break.
enum EventLoop {
  /// Starts the loop the first time; the same answer every other time.
  static func ensureRunning() throws(LibvirtError) { try outcome.get() }

  private static let outcome: Result<Void, LibvirtError> = Result { () throws(LibvirtError) in try start() }

  private static func start() throws(LibvirtError) {
    guard virInitialize() == 0 else { throw .last("virInitialize") }
    // Errors are thrown; without this libvirt prints each of them as well.
    unsafe virSetErrorFunc(nil) { @Sendable _, _ in }
    guard virEventRegisterDefaultImpl() == 0 else { throw .last("virEventRegisterDefaultImpl") }
    let isStarted = DetachedThread.start(named: "libvirt-events") {
      while true {
        // A turn that fails says nothing about the next; the pause only keeps a lasting fault from burning a processor.
        if virEventRunDefaultImpl() < 0 { usleep(10_000) }
      }
    }
    guard isStarted else {
      throw LibvirtError(
        operation: "virEventRunDefaultImpl", code: Int32(VIR_ERR_SYSTEM_ERROR.rawValue), domain: 0,
        message: "the system has no thread for libvirt's event loop")
    }
  }
}
