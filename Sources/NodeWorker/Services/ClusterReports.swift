import ClusterModel
import Foundation
public import MessageBus
import MigfraProtocol

/// What the other hosts' workers say of themselves, read when it is needed.
///
/// A worker that followed all reports would read every change of every machine in the cluster; it needs them a few times a
/// day. So each question is a short visit to the broker, which keeps the reports.
public struct ClusterReports: Sendable {
  private let visit: @Sendable (BusSession) throws -> any MessageBus

  /// - Parameter visit: makes a connection of its own.
  public init(_ visit: @escaping @Sendable (BusSession) throws -> any MessageBus) {
    self.visit = visit
  }

  /// Why there is no answer.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Every host's report, as the broker has it now.
  func all(within limit: Duration = .seconds(5)) async throws -> [HostReport] {
    try await listen(to: Topics.anyState, within: limit) { reports, isComplete in
      isComplete ? Array(reports.values) : nil
    }
  }

  /// A host's report as soon as it satisfies `condition`; nil: not within `limit`, or its worker is not there.
  func report(
    of host: HostName, within limit: Duration, where condition: @escaping @Sendable (HostReport) -> Bool
  ) async -> HostReport? {
    // Without an answer there is no report.
    let found = try? await listen(to: Topics.state(host), within: limit) { reports, isComplete -> HostReport?? in
      guard let report = reports[host] else { return isComplete ? .some(nil) : nil }
      if condition(report) { return report }
      return report.presence == .online ? nil : .some(nil)
    }
    return found ?? nil
  }

  private func listen<T: Sendable>(
    to topic: String, within limit: Duration,
    _ answer: @escaping @Sendable ([HostName: HostReport], Bool) -> T?
  ) async throws -> T {
    let visitor = UUID().uuidString.lowercased()
    // The broker answers in order: when our own message comes back, everything that it had kept has come.
    let echo = "migfra/echo/\(visitor)"
    let session = BusSession(
      clientID: "migfra-ask-\(visitor)", subscriptions: [TopicFilter(topic), TopicFilter(echo)], expiry: .zero)
    let bus = try visit(session)
    let (events, feed) = AsyncStream.makeStream(of: BusEvent.self)
    try bus.start { feed.yield($0) }
    let found = await NodeWorkerServices.within(limit) { () async -> T? in
      var reports: [HostName: HostReport] = [:]
      for await event in events {
        switch event {
        case .connected:
          // Without it no end is seen, and the limit ends the question.
          _ = try? await bus.publish(BusMessage(topic: echo, payload: []))
        case .message(let message):
          // What cannot be read, or is about another host, is no report; the coordinator's log says more.
          if let report = try? Topics.report(on: message.topic, message.payload) { reports[report.host] = report }
          if let value = answer(reports, message.topic == echo) { return value }
        case .disconnected, .takenOver: continue
        }
      }
      return nil
    }
    await bus.close(farewell: nil)
    guard let value = found ?? nil else { throw Failure(description: "no answer from the broker within \(limit)") }
    return value
  }
}
