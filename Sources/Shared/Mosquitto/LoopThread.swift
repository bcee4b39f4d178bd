import CMosquitto
import Glibc
import MessageBus

/// Starts the thread on which a `Loop` lives.
///
/// The thread holds the client, and with it the library's handle, until it has ended: the handle is never destroyed
/// under a running loop.
final class LoopThread: Sendable {
  private let client: Client
  private let broker: BrokerAddress
  private let tuning: BusTuning
  private let isSessionKept: Bool
  private let handler: @Sendable (BusEvent) -> Void

  init(
    client: Client, broker: BrokerAddress, tuning: BusTuning, isSessionKept: Bool,
    handler: @escaping @Sendable (BusEvent) -> Void
  ) {
    self.client = client
    self.broker = broker
    self.tuning = tuning
    self.isSessionKept = isSessionKept
    self.handler = handler
  }

  func start() throws(BusError) {
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(self)
    let status = unsafe pthread_create(
      &thread, nil,
      { @Sendable context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<LoopThread>.fromOpaque(context).takeRetainedValue().main()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      unsafe context.release()
      throw BusError(.failed, "start the bus: pthread_create: \(Words.system(status))")
    }
    pthread_detach(thread)
  }

  private func main() {
    // 15 characters are what the kernel keeps.
    _ = unsafe pthread_setname_np(pthread_self(), "mqtt-bus")
    let loop = Loop(
      client: client, broker: broker, tuning: tuning, isSessionKept: isSessionKept, handler: handler)
    // The library's callbacks hold the loop by its address only.
    withExtendedLifetime(loop) { loop.run() }
  }
}
