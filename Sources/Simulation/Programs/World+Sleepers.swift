import ClusterModel
import CoordinatorCore
import MigfraProtocol
import VirtualTime

/// A coordinator that was taken for dead. When it wakes up it hears what it has missed, and goes on.
///
/// Only its orders are played: they are what moves machines.
struct Sleeper: Sendable {
  var core: CoordinatorMachine
  let began: Duration
  let clockError: Double
  var missed: [CoordinatorEvent] = []
}

extension World {
  mutating func standStill(for time: Duration) {
    guard coordinator.isUp else { return }
    note("the coordinator stands still in its life \(coordinator.life)")
    sleepers[coordinator.life] = Sleeper(
      core: coordinator.core, began: coordinator.began, clockError: coordinator.clockError)
    // With the same journal it does what the other does, and what it does too late is done already.
    if sabotage == .forgetsEpochs { coordinator.journal.operations = [:] }
    events.add(.wakes(coordinator.life), at: now + time + .seconds(2))
    die(.coordinator, away: .seconds(1))
  }

  /// Something that every coordinator of the cluster hears.
  mutating func noteForSleepers(_ event: CoordinatorEvent) {
    for life in sleepers.keys { sleepers[life]?.missed.append(event) }
  }

  mutating func wake(_ life: Int) {
    guard var sleeper = sleepers.removeValue(forKey: life) else { return }
    note("the coordinator of life \(life) wakes up")
    let moment = Moment(uptime: now - sleeper.began, unixTime: 1_000_000 + now.inSeconds + sleeper.clockError)
    for event in sleeper.missed + [.caughtUp] {
      for case .send(let task, let host) in sleeper.core.handle(event, at: moment) {
        note("its order \(task.id ?? "-") to \(host): \(Self.text(task))")
        publish(.task(task, host, ReplyRoute(topic: Topics.coordinatorReply(from: host))))
      }
    }
  }
}
