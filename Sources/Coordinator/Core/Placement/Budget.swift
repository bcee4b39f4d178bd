/// How much searching a plan may cost, counted in candidates looked at, so that the same input gives the same plan on
/// every machine and under every load.
public struct Budget: Sendable, Equatable {
  public var steps: Int

  public init(steps: Int) {
    self.steps = steps
  }

  /// About as much as one core of a current server does in that time.
  public init(milliseconds: Int) {
    steps = milliseconds.multipliedReportingOverflow(by: 100_000).partialValue
  }
}
