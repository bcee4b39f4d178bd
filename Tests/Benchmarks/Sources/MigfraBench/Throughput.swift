import Glibc

/// How often a second of processor time something can be done: the median of several rounds.
///
/// Processor time, because these figures are compared with each other and the machine may be doing other work.
struct Throughput {
  var rounds: Int
  var seconds: Double

  /// Runs the candidates in turn, round by round, so that a busy moment of the machine hits all of them alike.
  func measure(_ candidates: [() throws -> Void]) throws -> [Double] {
    for candidate in candidates { try candidate() }
    var results = [[Double]](repeating: [], count: candidates.count)
    for _ in 0..<rounds {
      for (index, candidate) in candidates.enumerated() { results[index].append(try rate(of: candidate)) }
    }
    return results.map { $0.sorted()[rounds / 2] }
  }

  private func rate(of candidate: () throws -> Void) throws -> Double {
    let start = Self.processorSeconds
    var count = 0
    var passed = 0.0
    while passed < seconds {
      // Asking for the time costs about as much as the smallest message: ask seldom.
      for _ in 0..<10 { try candidate() }
      count += 10
      passed = Self.processorSeconds - start
    }
    return Double(count) / passed
  }

  private static var processorSeconds: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Keeps the optimiser from dropping what computes `value`.
@inline(never)
func keep<T>(_ value: T) {
  withExtendedLifetime(value) {}
}
