public import Logging
public import MigfraProtocol

/// The journal, for those who go on without it when it cannot be written, and say so.
extension TaskJournal {
  /// Writes an answer down before it is published; `sequence` 0 was never taken.
  public func answer(_ arrival: TaskArrival, with answer: [UInt8], orTell logger: Logger) {
    guard arrival.sequence != 0 else { return }
    do {
      try self.answer(arrival, with: answer)
    } catch {
      logger.error("an answer could not be written to the journal", metadata: ["cause": "\(error)"])
    }
  }

  /// On return the broker may forget what was received.
  public func flush(orTell logger: Logger) {
    do {
      try flush()
    } catch {
      // What was received is under way, and known as long as the machine has power.
      logger.error("the journal could not be brought to disk", metadata: ["cause": "\(error)"])
    }
  }

  /// The broker has the answer.
  public func settle(_ arrival: TaskArrival, orTell logger: Logger) {
    guard arrival.sequence != 0 else { return }
    settle(arrival) { logger.error("the journal could not be written", metadata: ["cause": "\($0)"]) }
  }
}
