/// Waits until `probe` gives a value, asking again and again: for integration tests, where the other side has its own
/// clock. A unit test has no use for it.
///
/// - Parameters:
///   - what: completes the sentence "after 60 s there is still no ...".
///   - limit: generous; it is only used up when something is broken.
/// - Throws: `Timeout`, which is also what the failed test shows.
@discardableResult
public func eventually<Value>(
  _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
  _ probe: () async throws -> Value?
) async throws -> Value {
  let end = ContinuousClock.now + limit
  var pause = Duration.milliseconds(1)
  while true {
    if let value = try await probe() { return value }
    guard .now < end else { throw Timeout(description: "after \(limit) there is still no \(what)") }
    try await Task.sleep(for: pause)
    pause = min(pause * 2, .milliseconds(50))
  }
}

/// Waits until `condition` holds.
public func eventually(
  _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
  holds condition: () async throws -> Bool
) async throws {
  try await eventually(what, within: limit) { try await condition() ? () : nil }
}

/// What was waited for did not happen.
public struct Timeout: Error, CustomStringConvertible {
  public let description: String
}
