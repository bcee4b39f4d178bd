public import ClusterModel

/// One entry of `stop vm`.
public struct VMStop: Sendable, Equatable {
  /// The machine; with a pattern, the pattern's text.
  public var vm: VMName
  /// Every active machine whose whole name this describes, instead of one.
  public var pattern: NamePattern?
  /// Power off instead of asking the guest.
  public var isForced: Bool
  /// Also forget the definition.
  public var undefines: Bool
  /// Nothing is stopped: only the definition of the machine with this UUID goes, if it is off and runs on another host.
  public var strayUUID: String?

  public init(vm: VMName, isForced: Bool = false, undefines: Bool = false, strayUUID: String? = nil) {
    self.vm = vm
    pattern = nil
    self.isForced = isForced
    self.undefines = undefines
    self.strayUUID = strayUUID
  }

  public init(matching pattern: NamePattern, isForced: Bool = false, undefines: Bool = false) {
    self.init(vm: VMName(rawValue: pattern.description), isForced: isForced, undefines: undefines)
    self.pattern = pattern
  }
}
