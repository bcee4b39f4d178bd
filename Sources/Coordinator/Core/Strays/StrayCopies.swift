import ClusterModel

/// Finds machines that are on more than one host, in what the hosts report.
///
///     one place ──▶ suspected ──stood for as long as a lost worker stays unnoticed──▶ asked ──caught up──▶ told
///        ▲             │ ▲                                                              │                   │
///        └─────────────┘ └──────────── the reports say something else ──────────────────┘                   │
///        └───────────────────────────── the reports show one place: told as gone ───────────────────────────┘
///
/// Reports of two hosts have no order among each other: around every migration they show the machine twice, or as where it
/// was. So nothing is said of a machine that is on its way, nor of a copy whose host is not there to confirm it; what is
/// left must have stood for longer than it takes the broker to notice that a worker is gone, and must still stand when
/// everything has been read that the broker has for us.
struct StrayCopies: Sendable {
  private struct Copy: Sendable {
    var name: VMName
    var state: VirtualMachine.State
    var isConfirmed: Bool
  }

  private struct Suspect: Sendable {
    var stray: Stray
    var since: Duration
    /// The broker was asked for what it still has.
    var isAsked = false
  }

  /// What the reports say of one machine.
  private enum Finding {
    case onePlace
    /// It is on its way, or only one host is there to say that it has it.
    case unclear
    case stray(Stray)
  }

  /// What is to be told, and when to look again.
  struct Outcome: Sendable {
    var found: [Stray] = []
    var gone: [Stray] = []
    /// When the first of the suspects has stood for long enough.
    var due: Duration?
    /// Something has stood for long enough: what the broker still has is to be read first.
    var asks = false
  }

  /// By UUID, then by host: as reported last.
  private var copies: [String: [HostName: Copy]] = [:]
  private var reported: [HostName: [String]] = [:]
  /// Machines with more than one copy, on their way or not.
  private var doubled: Set<String> = []
  private var suspects: [String: Suspect] = [:]
  /// What was told, by UUID.
  private(set) var told: [String: Stray] = [:]

  /// Nothing is there to be said.
  var isQuiet: Bool { doubled.isEmpty && told.isEmpty && suspects.isEmpty }

  /// The copies that were told, on this host.
  func copies(on host: HostName) -> [StrayCopy] {
    guard !told.isEmpty else { return [] }
    return told.values.flatMap(\.copies).filter { $0.host == host }.map(\.copy).sorted {
      ($0.name, $0.uuid) < ($1.name, $1.uuid)
    }
  }

  /// What an earlier incarnation had told.
  mutating func recall(_ copies: [StrayCopy], on host: HostName) {
    for copy in copies where told[copy.uuid] == nil { told[copy.uuid] = Stray(copy, on: host) }
  }

  /// Takes what the host says of itself; of one whose worker is away, what it said last.
  mutating func update(_ report: HostReport) {
    let isConfirmed = report.presence == .online && report.isHypervisorReachable
    for uuid in reported[report.host] ?? [] {
      copies[uuid]?[report.host] = nil
      if copies[uuid]?.isEmpty == true { copies[uuid] = nil }
      if doubled.contains(uuid), (copies[uuid]?.count ?? 0) < 2 { doubled.remove(uuid) }
    }
    for vm in report.vms {
      copies[vm.uuid, default: [:]][report.host] = Copy(name: vm.name, state: vm.state, isConfirmed: isConfirmed)
      if copies[vm.uuid]?.count == 2 { doubled.insert(vm.uuid) }
    }
    reported[report.host] = report.vms.map(\.uuid)
  }

  /// The machine is on its way: what is suspected of it must stand anew.
  mutating func excuse(_ vm: VMName) {
    for (uuid, suspect) in suspects where suspect.stray.places.contains(where: { $0.name == vm }) {
      suspects[uuid] = nil
    }
  }

  /// Looks at what has two copies.
  ///
  /// - Parameter moving: machines with which something is under way, by UUID.
  mutating func review(patience: Duration, moving: Set<String>, at now: Duration) -> Outcome {
    var outcome = Outcome()
    for uuid in doubled.union(told.keys).union(suspects.keys).sorted() {
      switch moving.contains(uuid) ? .unclear : finding(uuid) {
      case .onePlace:
        suspects[uuid] = nil
        if let stray = told.removeValue(forKey: uuid) { outcome.gone.append(stray) }
      case .unclear: suspects[uuid] = nil
      case .stray(let stray) where told[uuid] == stray: suspects[uuid] = nil
      case .stray(let stray):
        var suspect = suspects[uuid].flatMap { $0.stray == stray ? $0 : nil } ?? Suspect(stray: stray, since: now)
        let due = suspect.since + patience
        if !suspect.isAsked, due <= now {
          suspect.isAsked = true
          outcome.asks = true
        } else if !suspect.isAsked {
          outcome.due = min(outcome.due ?? due, due)
        }
        suspects[uuid] = suspect
      }
    }
    return outcome
  }

  /// Everything that the broker had has been read, and `review` has seen it: what still stands is so.
  mutating func confirm() -> [Stray] {
    let confirmed = suspects.values.filter(\.isAsked).map(\.stray).sorted { $0.uuid < $1.uuid }
    for stray in confirmed {
      suspects[stray.uuid] = nil
      told[stray.uuid] = stray
    }
    return confirmed
  }

  private func finding(_ uuid: String) -> Finding {
    guard let copies = copies[uuid], copies.count > 1 else { return .onePlace }
    let confirmed = copies.filter(\.value.isConfirmed)
    guard confirmed.count > 1, !copies.values.contains(where: { $0.state == .arriving }) else { return .unclear }
    let places = confirmed.map { host, copy in
      Stray.Place(host: host, name: copy.name, isActive: copy.state.isActive)
    }
    // A host that is away for a while has what was told of it.
    let away = told[uuid]?.places.filter { copies[$0.host]?.isConfirmed == false } ?? []
    return .stray(Stray(uuid: uuid, places: places + away))
  }
}
