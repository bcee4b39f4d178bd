/// How many clusters are there at once: with more, emulated guests take so long for everything that what a test wants to
/// meet half-way is over before it looks.
actor LabSlots {
  private static let shared = LabSlots(6)

  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) {
    free = count
  }

  /// Waits for a slot, in order of arrival, and has it until `body` ends.
  static func holding(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
  ) async rethrows {
    await shared.take()
    do { try await body() } catch {
      await shared.give()
      throw error
    }
    await shared.give()
  }

  private func take() async {
    guard free == 0 else {
      free -= 1
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func give() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}
