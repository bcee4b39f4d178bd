/// Guests and hosts that several phases share. vm1 takes part in a job.
enum FaultScene: String, CaseIterable, Sendable {
  /// vm1 is on node1.
  case one
  /// vm1 is on node1, vm2 on node2.
  case pair
  /// The same, and none fits beside the other.
  case fullPair
  /// All three are on node1.
  case three

  struct Guest: Sendable {
    var number: Int
    var home: String
    /// MiB; all but 16 of them are filled.
    var memory: Int
    var name: String { "vm\(number)" }
  }

  var guests: [Guest] {
    switch self {
    case .one: [Guest(number: 1, home: "node1", memory: 128)]
    case .pair: [Guest(number: 1, home: "node1", memory: 128), Guest(number: 2, home: "node2", memory: 96)]
    case .fullPair: [Guest(number: 1, home: "node1", memory: 160), Guest(number: 2, home: "node2", memory: 128)]
    case .three: (1...3).map { Guest(number: $0, home: "node1", memory: 96) }
    }
  }

  var environment: [String: String] { self == .fullPair ? ["LAB_MEMORY": "\(200 * 1024)"] : [:] }

  /// A host that has no guest, where those of another can go.
  var spare: String { guests.contains { $0.home == "node2" } ? "node3" : "node2" }
}
