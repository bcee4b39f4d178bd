/// A task as it came in: the journal's number for it, and where its answer goes.
public struct TaskArrival: Sendable, Hashable, Codable {
  /// The journal's; grows with each task, and survives a restart.
  public var sequence: Int64
  public var route: ReplyRoute
  /// Whether it was taken by an earlier incarnation, which may have begun it.
  public var isRecalled: Bool

  public init(sequence: Int64, route: ReplyRoute, isRecalled: Bool = false) {
    self.sequence = sequence
    self.route = route
    self.isRecalled = isRecalled
  }
}
