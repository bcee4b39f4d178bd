/// Another program has connected with this one's client id.
public struct TakenOver: Error, CustomStringConvertible {
  public let clientID: String
  /// Of the configuration: what the client id is made from.
  private let key: String

  public init(clientID: String, key: String = "host") {
    self.clientID = clientID
    self.key = key
  }

  public var description: String {
    "another program has connected to the broker as '\(clientID)'; two programs must not have one name. "
      + "Stop one of them, or give it another '\(key)' and 'communicator.id'"
  }
}
