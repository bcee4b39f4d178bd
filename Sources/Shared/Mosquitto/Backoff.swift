/// How long to wait before the next attempt: twice as long each time, with jitter, so that all the clients of a
/// broker that comes back do not knock at the same moment.
struct Backoff: Equatable {
  let first: Duration
  let longest: Duration
  private var failures = 0

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// The pause after one more failure: between half (`jitter` 0) and all (1) of its step.
  mutating func next(jitter: Double) -> Duration {
    // 2^20 times any sensible pause is beyond any sensible limit; more would overflow.
    let step = min(first * (1 << min(failures, 20)), longest)
    failures += 1
    return step * (0.5 + jitter / 2)
  }

  /// The connection has proved itself.
  mutating func reset() {
    failures = 0
  }
}
