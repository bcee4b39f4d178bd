/// Another program has connected with this one's client id.
public struct TakenOver: Error, CustomStringConvertible {
  public let clientID: String

  public init(clientID: String) {
    self.clientID = clientID
  }

  public var description: String {
    "another program has connected to the broker as '\(clientID)'; two programs must not have one name. "
      + "Stop one of them, or give it another 'host' and 'communicator.id'"
  }
}
