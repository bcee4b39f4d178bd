import Synchronization

/// The wish to end an operation that is being performed.
public final class OperationControl: Sendable {
  private let cancelled = Mutex(false)
  private let (wish, feed) = AsyncStream.makeStream(of: Never.self)

  public init() {}

  public func cancel() {
    cancelled.withLock { $0 = true }
    feed.finish()
  }

  public var isCancelled: Bool { cancelled.withLock { $0 } }

  /// Returns when the operation shall end, or the task is cancelled. For one reader.
  public func wished() async {
    for await _ in wish {}
  }
}
