/// How a caller names a VM.
public enum DomainReference: Sendable, Hashable, CustomStringConvertible {
  case name(String)
  /// In libvirt's spelling: 8-4-4-4-12 hexadecimal digits.
  case uuid(String)

  public var description: String {
    switch self {
    case .name(let name): name
    case .uuid(let uuid): uuid
    }
  }
}
