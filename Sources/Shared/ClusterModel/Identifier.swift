/// A name that is compared, sorted and stored as text, but never mixed up with another kind of name.
public protocol Identifier: Hashable, Comparable, Sendable, Codable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  var rawValue: String { get }
  init(rawValue: String)
}

extension Identifier {
  public init(stringLiteral value: String) {
    self.init(rawValue: value)
  }

  public init(from decoder: any Decoder) throws {
    self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  public var description: String { rawValue }

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The name of a machine with libvirt and a worker; also a level of its topics and a part of libvirt URIs.
public struct HostName: Identifier {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// Whether the name can stand in a topic, a URI and a path: letters, digits, `.`, `-`, `_`; 1 to 253 of them; no
  /// leading `.` or `-`.
  public var isValid: Bool {
    let bytes = rawValue.utf8
    guard (1...253).contains(bytes.count), let first = bytes.first, first != 0x2E, first != 0x2D else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
      default: false
      }
    }
  }
}

/// The name of a libvirt domain, unique on its host and, by our rules, in the cluster.
public struct VMName: Identifier {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// Whether libvirt, a topic and a log line can carry the name: 1 to 255 bytes, no `/`, `+`, `#`, control characters.
  public var isValid: Bool {
    (1...255).contains(rawValue.utf8.count)
      && rawValue.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "/", "+", "#", "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": false
        default: true
        }
      }
  }
}

/// What machines of one job have in common; chosen by whoever starts them.
public struct JobName: Identifier {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// Whether a machine's description and a log line can carry the name: 1 to 255 bytes, no control characters, no space at
  /// its ends.
  public var isValid: Bool {
    (1...255).contains(rawValue.utf8.count) && rawValue.first != " " && rawValue.last != " "
      && rawValue.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": false
        default: true
        }
      }
  }
}

/// The `id` of a task, chosen by whoever asks and returned with the answer.
public struct TaskID: Identifier {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }
}

/// The name of a plan, chosen by the coordinator; the last level of its topic.
public struct PlanID: Identifier {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }
}

/// A number that grows with each incarnation of a worker or coordinator, so that old news is recognised.
public typealias Epoch = UInt64
