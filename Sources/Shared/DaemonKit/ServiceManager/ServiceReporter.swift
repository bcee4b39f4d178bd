/// What one loop says to the service manager about itself: when it has what it needs, that it lives, what troubles it.
///
/// The loop owns it, and says all of it in its own turn: a loop that hangs says nothing, and is found out.
public struct ServiceReporter: Sendable {
  private let manager: ServiceManager
  /// What the start waits for.
  private var awaited: [String]
  private var trouble: String?

  /// - Parameter awaited: each is `got` before the program is called ready.
  public init(_ manager: ServiceManager, awaiting awaited: [String]) {
    self.manager = manager
    self.awaited = awaited
    sayWhatIsAwaited()
  }

  /// A part of what the start waits for is there; said again it means nothing.
  public mutating func got(_ part: String) {
    guard let index = awaited.firstIndex(of: part) else { return }
    awaited.remove(at: index)
    if awaited.isEmpty {
      manager.tell(ServiceNotice(.ready, status: trouble ?? "at work"))
    } else {
      sayWhatIsAwaited()
    }
  }

  /// nil: there is none any more.
  public mutating func set(trouble: String?) {
    guard trouble != self.trouble else { return }
    self.trouble = trouble
    if awaited.isEmpty {
      manager.tell(ServiceNotice(status: trouble ?? "at work"))
    } else {
      sayWhatIsAwaited()
    }
  }

  public func beat() { manager.tell(ServiceNotice(.beat)) }

  private func sayWhatIsAwaited() {
    let troubled = trouble.map { "; \($0)" } ?? ""
    manager.tell(ServiceNotice(status: "waiting for \(awaited.joined(separator: " and "))\(troubled)"))
  }
}
