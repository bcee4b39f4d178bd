/// A task inside something that is kept: as its own text, so that there is one form of it.
extension TaskMessage: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self = try Self.decode(Array(try container.decode(String.self).utf8))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(String(decoding: encoded(), as: UTF8.self))
  }
}
