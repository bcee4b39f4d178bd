public import ClusterModel

/// A machine that is on more than one host.
public struct Stray: Sendable, Equatable {
  /// One of its copies.
  public struct Place: Sendable, Equatable {
    public var host: HostName
    public var name: VMName
    /// Whether it runs or is paused there; if not, it is only defined.
    public var isActive: Bool
  }

  public var uuid: String
  /// By host.
  public var places: [Place]

  init(uuid: String, places: [Place]) {
    self.uuid = uuid
    self.places = places.sorted { $0.host < $1.host }
  }

  /// As it was told of one of its hosts.
  init(_ copy: StrayCopy, on host: HostName) {
    let others = copy.others.map { Place(host: $0.host, name: $0.name, isActive: $0.isActive) }
    self.init(uuid: copy.uuid, places: others + [Place(host: host, name: copy.name, isActive: copy.isActive)])
  }

  /// The copies that may be too many, by host: all, but for the only one that is active.
  var copies: [(host: HostName, copy: StrayCopy)] {
    let isOneActive = places.filter(\.isActive).count == 1
    return places.filter { !$0.isActive || !isOneActive }.map { place in
      let others = places.filter { $0.host != place.host }
      return (
        place.host,
        StrayCopy(
          name: place.name, uuid: uuid, isActive: place.isActive,
          others: others.map { StrayCopy.Other(host: $0.host, name: $0.name, isActive: $0.isActive) })
      )
    }
  }

  /// What an operator should know of it.
  var found: Note {
    switch places.filter(\.isActive).count {
    case 0: Note(.warning, "a machine is defined on several hosts", metadata)
    case 1: Note(.warning, "a machine is defined on a host while it runs on another", metadata)
    default: Note(.warning, "a machine runs on several hosts", metadata)
    }
  }

  var gone: Note { Note(.info, "a machine is on one host only again", metadata) }

  private var metadata: [String: String] {
    var metadata = ["uuid": uuid]
    metadata["vm"] = Set(places.map(\.name.rawValue)).sorted().joined(separator: " ")
    for (key, isActive) in [("runs-on", true), ("defined-on", false)] {
      let hosts = places.filter { $0.isActive == isActive }.map(\.host.rawValue)
      if !hosts.isEmpty { metadata[key] = hosts.joined(separator: " ") }
    }
    return metadata
  }
}
