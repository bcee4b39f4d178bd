public import ClusterModel

/// A message on a task topic that is no task we can read.
public struct UnreadableTask: Error, Equatable, CustomStringConvertible {
  /// The id, where the message was readable enough to have one.
  public var id: TaskID?
  public var code: ErrorCode
  /// What is wrong, with line and column.
  public var description: String

  public init(id: TaskID?, code: ErrorCode, description: String) {
    self.id = id
    self.code = code
    self.description = description
  }
}
