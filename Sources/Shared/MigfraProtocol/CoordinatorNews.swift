public import ClusterModel
public import YAML

/// Something that the coordinator did or met, for whoever keeps a record of it: `fast/coordinator/event`.
public struct CoordinatorNews: Sendable, Equatable {
  /// With level `info` or `warning`.
  public var note: Note
  /// When, in seconds since 1970 by the coordinator's clock.
  public var unixTime: Double

  public init(_ note: Note, unixTime: Double) {
    self.note = note
    self.unixTime = unixTime
  }

  public func encoded() -> [UInt8] {
    let about = note.metadata.sorted { $0.key < $1.key }.map { ($0.key, YAMLNode.string($0.value)) }
    return YAML.emit(
      .mapping([
        ("event", .string(note.message)), ("level", .string(note.level.rawValue)),
        ("time", .real(unixTime, decimals: 3)), ("about", .mapping(about)),
      ]))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> CoordinatorNews {
    var reader = try MappingReader(try YAML.parse(payload))
    let message: String = try reader.required("event")
    let level: Note.Level = try reader.required("level")
    let unixTime: Double = try reader.required("time")
    var metadata: [String: String] = [:]
    if let about = reader.node("about"), case .mapping(let mapping) = about.kind {
      for entry in mapping.entries { metadata[entry.key] = try String(yaml: entry.value) }
    }
    return CoordinatorNews(Note(level, message, metadata), unixTime: unixTime)
  }
}

extension Note.Level: YAMLReadable {}
