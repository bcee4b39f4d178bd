/// Where the answer to a task goes, and what it must carry back.
public struct ReplyRoute: Sendable, Hashable, Codable {
  public var topic: String
  public var correlationData: [UInt8]?

  public init(topic: String, correlationData: [UInt8]? = nil) {
    self.topic = topic
    self.correlationData = correlationData
  }
}
