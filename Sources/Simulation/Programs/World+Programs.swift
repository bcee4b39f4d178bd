import ClusterModel
import CoordinatorCore
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// What the shells of both programs have in common: a loop, lanes of letters, a connection; and their deaths.
extension World {
  func epoch(of client: Client) -> Epoch { Epoch(life(of: client)) }

  func life(of client: Client) -> Int {
    switch client {
    case .coordinator: coordinator.life
    case .worker(let host): workers[host]?.life ?? 0
    case .agent, .scheduler: 0
    }
  }

  func isUp(_ client: Client, _ life: Int? = nil) -> Bool {
    switch client {
    case .coordinator: coordinator.isUp && life ?? coordinator.life == coordinator.life
    case .worker(let host):
      workers[host].map { $0.isUp && life ?? $0.life == $0.life } ?? false
    case .agent, .scheduler: true
    }
  }

  // MARK: The loop

  /// Gives an event to the program's loop, after what is there already.
  mutating func feed(_ client: Client, _ input: Input, after pause: Duration = .zero) {
    guard isUp(client) else { return }
    let soonest = now + pause + .microseconds(Int.random(in: 10...3000, using: &generator))
    switch client {
    case .coordinator:
      coordinator.lastInput = max(coordinator.lastInput, soonest)
      events.add(.input(client, life: coordinator.life, input), at: coordinator.lastInput)
    case .worker(let host):
      guard let program = workers[host] else { return }
      let at = max(program.lastInput, soonest)
      workers[host]?.lastInput = at
      events.add(.input(client, life: program.life, input), at: at)
    case .agent, .scheduler: break
    }
  }

  mutating func take(_ input: Input, _ client: Client, _ life: Int) {
    guard isUp(client, life) else {
      // One that stands still finds its timers when it wakes up.
      if client == .coordinator, case .coordinator(.timerFired(let timer)) = input {
        sleepers[life]?.missed.append(.timerFired(timer))
      }
      return
    }
    switch (client, input) {
    case (.coordinator, .coordinator(let event)): handle(event)
    case (.coordinator, .connected): greet()
    case (.worker(let host), .worker(let event)): handle(event, on: host)
    default: break
    }
  }

  /// Whether the program lives to perform one more effect.
  mutating func survives(_ client: Client) -> Bool {
    guard isUp(client) else { return false }
    switch client {
    case .coordinator:
      guard let left = coordinator.effectsLeft else { return true }
      coordinator.effectsLeft = left - 1
      if left <= 0 { die(client) }
    case .worker(let host):
      guard let left = workers[host]?.effectsLeft else { return true }
      workers[host]?.effectsLeft = left - 1
      if left <= 0 { die(client) }
    case .agent, .scheduler: break
    }
    return isUp(client)
  }

  /// The process is killed: what it knows is gone, what is on its disk is not.
  mutating func die(_ client: Client, away: Duration? = nil, isSilent: Bool = false) {
    guard isUp(client) else { return }
    note("\(client) dies")
    truth.disturbances += 1
    let away = away ?? truth.absences[client] ?? .seconds(1)
    switch client {
    case .coordinator:
      coordinator.isUp = false
      coordinator.deaths += 1
      early = []
      disconnect(client, sayingAfter: .zero)
    case .worker(let host):
      workers[host]?.isUp = false
      workers[host]?.deaths += 1
      disconnect(client, sayingAfter: .seconds(isSilent ? 50 : 5))
    case .agent, .scheduler: return
    }
    events.add(.begin(client), at: now + away)
  }

  mutating func begin(_ client: Client) {
    guard !isUp(client) else { return }
    switch client {
    case .coordinator: beginCoordinator()
    case .worker(let host):
      guard hosts[host]?.isPowered == true else { return }
      beginWorker(host)
    case .agent, .scheduler: return
    }
    events.add(.connect(client), at: soon(5...200))
  }

  // MARK: The connection

  mutating func reconnect(_ client: Client) {
    guard isUp(client), !isPartitioned(client) else { return }
    guard bus.isUp else { return events.add(.connect(client), at: soon(200...1500)) }
    connect(client)
  }

  func isPartitioned(_ client: Client) -> Bool {
    switch client {
    case .coordinator: coordinator.isPartitioned
    case .worker(let host): workers[host]?.isPartitioned == true
    case .agent, .scheduler: false
    }
  }

  mutating func connected(_ client: Client) {
    note("\(client) is connected")
    switch client {
    case .coordinator: feed(client, .connected)
    case .worker: feed(client, .worker(.busConnected))
    case .agent, .scheduler: return
    }
    for lane in Lane.allCases { events.add(.post(client, life: life(of: client), lane), at: soon(1...5)) }
  }

  // MARK: Letters

  mutating func write(_ letter: Letter, by client: Client, in lane: Lane = .letters) {
    change(client) { lanes, isSending in
      // Of the reports that wait only the last is said.
      if lane == .reports {
        lanes[lane.rawValue].removeLast(max(0, lanes[lane.rawValue].count - (isSending[lane.rawValue] ? 1 : 0)))
      }
      lanes[lane.rawValue].append(letter)
    }
    events.add(.post(client, life: life(of: client), lane), at: soon(1...4))
  }

  private mutating func change(_ client: Client, _ body: (inout [[Letter]], inout [Bool]) -> Void) {
    switch client {
    case .coordinator: body(&coordinator.lanes, &coordinator.isSending)
    case .worker(let host):
      guard var lanes = workers[host]?.lanes, var isSending = workers[host]?.isSending else { return }
      body(&lanes, &isSending)
      workers[host]?.lanes = lanes
      workers[host]?.isSending = isSending
    case .agent, .scheduler: break
    }
  }

  private func lanes(of client: Client) -> (letters: [[Letter]], isSending: [Bool]) {
    switch client {
    case .coordinator: (coordinator.lanes, coordinator.isSending)
    case .worker(let host): (workers[host]?.lanes ?? [[], [], []], workers[host]?.isSending ?? [true, true, true])
    case .agent, .scheduler: ([[], [], []], [true, true, true])
    }
  }

  mutating func post(_ client: Client, _ life: Int, _ lane: Lane) {
    let (letters, isSending) = lanes(of: client)
    guard isUp(client, life), bus.sessions[client]?.isConnected == true, !isSending[lane.rawValue],
      let letter = letters[lane.rawValue].first
    else { return }
    change(client) { _, isSending in isSending[lane.rawValue] = true }
    deliver(letter, of: client)
    events.add(.posted(client, life: life, lane), at: soon(1...20))
  }

  /// The broker has it, if it can say so; otherwise it is said again.
  mutating func posted(_ client: Client, _ life: Int, _ lane: Lane) {
    guard isUp(client, life) else { return }
    change(client) { _, isSending in isSending[lane.rawValue] = false }
    guard bus.sessions[client]?.isConnected == true, let letter = lanes(of: client).letters[lane.rawValue].first else {
      return
    }
    change(client) { lanes, _ in lanes[lane.rawValue].removeFirst() }
    settle(letter, of: client)
    events.add(.post(client, life: life, lane), at: soon(1...2))
  }
}
