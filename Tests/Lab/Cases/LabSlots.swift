/// How many clusters are there at once, where each emulated host counts as one more: with more of them, guests take so
/// long for everything that what a test wants to meet half-way is over before it looks, and limits pass.
actor LabSlots {
  private static let shared = LabSlots(4)

  private let count: Int
  private var free: Int
  private var waiting: [(slots: Int, continuation: CheckedContinuation<Void, Never>)] = []

  init(_ count: Int) {
    self.count = count
    free = count
  }

  /// Waits for so many slots, in order of arrival, and has them until `body` ends.
  static func holding(
    _ slots: Int = 1, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
  ) async rethrows {
    await shared.take(slots)
    do { try await body() } catch {
      await shared.give(slots)
      throw error
    }
    await shared.give(slots)
  }

  private func take(_ slots: Int) async {
    precondition(slots <= count, "more slots than there are: nobody could give them")
    guard waiting.isEmpty, free >= slots else {
      await withCheckedContinuation { waiting.append((slots, $0)) }
      return
    }
    free -= slots
  }

  private func give(_ slots: Int) {
    free += slots
    while let first = waiting.first, free >= first.slots {
      free -= first.slots
      waiting.removeFirst().continuation.resume()
    }
  }
}
