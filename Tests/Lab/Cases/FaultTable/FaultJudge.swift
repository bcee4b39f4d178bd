import TestSupport

/// What must hold after every fault: no machine doubled, stopped or lost, no job that stands still, one answer to each task,
/// no definition or image left over, and everything usable without a hand.
struct FaultJudge {
  let cell: FaultCell
  let faultLab: FaultLab
  /// The id of the task in which the fault struck.
  let task: String
  private(set) var answer = ""
  var flaws: [String] = []
  /// Where each machine was found.
  private var places: [String: FaultLab.Place] = [:]

  init(cell: FaultCell, faultLab: FaultLab, task: String) {
    self.cell = cell
    self.faultLab = faultLab
    self.task = task
  }

  var lab: Lab { faultLab.lab }
  private var guests: [FaultScene.Guest] { cell.phase.scene.guests }

  /// - Parameter victim: the machine whose own process the fault has killed.
  mutating func judge(_ bus: LabBus, _ watch: Watch, victim: String?) async throws {
    try await awaitAnswer(bus)
    try await faultLab.limitLinks("off")
    let stopped = try await awaitMachines(victim: victim)
    checkAnswer()
    try await awaitJob(bus)
    try await awaitHosts()
    for (vm, place) in stopped.sorted(by: { $0.key < $1.key }) { try await startAgain(vm, on: place.host, bus) }
    guard flaws.isEmpty else { return }
    try await bringHome(bus)
    try await evacuateEach()
    try await checkTestimonies(watch, except: Set(stopped.keys))
    countAnswers(bus)
  }

  private mutating func awaitAnswer(_ bus: LabBus) async throws {
    let text = try await lab.tended("answer", within: .seconds(150)) {
      bus.results(of: "node1").first { $0.contains("id: \(task)\n") }
    }
    answer = text
  }

  /// Each machine is there once, runs, and has a lasting definition. Returns those that the fault itself has ended: they
  /// are off.
  private mutating func awaitMachines(victim: String?) async throws -> [String: FaultLab.Place] {
    var stopped: [String: FaultLab.Place] = [:]
    for guest in guests {
      var places: [FaultLab.Place] = []
      do {
        try await lab.tended("sound \(guest.name)", within: .seconds(45)) {
          places = try await faultLab.places(of: guest.name)
          guard places.count == 1 else { return false }
          return places[0].state == "running" || mayBeOff(guest.name, places[0], victim: victim)
        }
        let place = places[0]
        self.places[guest.name] = place
        if place.state != "running" { stopped[guest.name] = place }
        let persistent = try await lab.must(
          "exec", place.host, "virsh", "-q", "list", "--all", "--persistent", "--name")
        if !persistent.split(separator: "\n").contains(guest.name[...]) {
          flaws.append("\(guest.name) has no lasting definition on \(place.host)")
        }
      } catch is Timeout {
        flaws.append(
          "\(guest.name) is at \(places.isEmpty ? "no host" : places.map(\.description).joined(separator: ", "))")
      }
    }
    var images: [String] = []
    do {
      try await lab.tended("empty shared directory", within: .seconds(20)) {
        images = try lab.images()
        return images.isEmpty
      }
    } catch is Timeout { flaws.append("left in the shared directory: \(images)") }
    return stopped
  }

  /// A machine whose own process was killed, or whose host lost its power, is off; nobody may start it by himself.
  private func mayBeOff(_ vm: String, _ place: FaultLab.Place, victim: String?) -> Bool {
    guard place.state == "shut off" || place.state == "crashed" else { return false }
    let isPowerless = cell.fault.isOfPower && place.host == cell.fault.host && cell.phase.kept[place.host] != vm
    return vm == victim || isPowerless
  }

  /// What it says of the machines is so.
  private mutating func checkAnswer() {
    let status = answer.firstMatch(of: /(?m)^status: (\S+)$/).map { String($0.output.1) }
    if status == nil { flaws.append("no status") }
    let isSuccess = status == "success"
    switch cell.phase.scene {
    case .one, .pair, .fullPair:
      let aims = cell.phase.scene == .one ? ["vm1": "node2"] : ["vm1": "node2", "vm2": "node1"]
      let isDone = aims.allSatisfy { vm, host in places[vm]?.host == host }
      if isSuccess != isDone { flaws.append("\(isSuccess ? "a" : "no") success, but they are at \(places)") }
    case .three:
      // Of the whole it says whether the host is empty; of each machine, whether it was moved.
      let isEmpty = places.values.allSatisfy { $0.host != "node1" || $0.state != "running" }
      if isSuccess != isEmpty { flaws.append("\(isSuccess ? "a" : "no") success, but they are at \(places)") }
      let entries = answer.matches(of: /(?m)^- vm-name: (\S+)\n  status: (\S+)$/)
      for guest in guests {
        let entry = entries.first { $0.output.1 == guest.name }.map { String($0.output.2) } ?? "missing"
        if (entry == "success") != (places[guest.name]?.host != "node1") {
          flaws.append("\(guest.name): \(entry), but it is at \(places[guest.name]?.description ?? "no host")")
        }
      }
    }
    if !flaws.isEmpty { flaws.append("the answer: \(answer)") }
  }

  /// Its processes run, and their agent knows it.
  private mutating func awaitJob(_ bus: LabBus) async throws {
    do {
      try await lab.tended("running job", within: .seconds(45)) { faultLab.job.isGoingOn }
    } catch is Timeout { flaws.append("the job stands still: toggled \(faultLab.job.toggles) times") }
  }

  private mutating func awaitHosts() async throws {
    var text = ""
    do {
      try await lab.tended("all hosts online", within: .seconds(45)) {
        text = try await lab.migfra("hosts", "--json").text
        return text.matches(of: /"online"/).count == FaultLab.hosts.count
          && !text.contains("\"hypervisorReachable\" : false")
      }
    } catch is Timeout { flaws.append("not all hosts are usable: \(text)") }
  }

  /// What the fault has ended can be started where it is defined.
  private mutating func startAgain(_ vm: String, on host: String, _ bus: LabBus) async throws {
    let started = try await bus.ask(
      host, "task: start vm\nid: \(task)-start-\(vm)\nvm-configurations: [{vm-name: \(vm), probe-with-ssh: false}]\n")
    if !started.contains("status: success") { flaws.append("\(vm) does not start on \(host): \(started)") }
  }

  /// A task for each machine that is not at home, as any client would send it.
  private mutating func bringHome(_ bus: LabBus) async throws {
    for host in FaultLab.hosts { _ = try await lab.migfra("uncordon", host) }
    for guest in guests {
      guard let place = try await faultLab.places(of: guest.name).first, place.host != guest.home else { continue }
      let hooks = guest.number == 1 ? "parameter: {pscom-hook-procs: 2}\n" : ""
      let moved = try await bus.ask(
        place.host,
        "task: migrate vm\nid: \(task)-home-\(guest.name)\nvm-name: \(guest.name)\ndestination: \(guest.home)\n\(hooks)"
      )
      if !moved.contains("status: success") { flaws.append("\(guest.name) cannot be moved any more: \(moved)") }
    }
  }

  /// Each host with machines is emptied, and what was there comes back.
  private mutating func evacuateEach() async throws {
    for host in Set(guests.map(\.home)).sorted() {
      for (from, to) in [(host, cell.phase.scene.spare), (cell.phase.scene.spare, host)] where flaws.isEmpty {
        let emptied = try await lab.migfra("evacuate", from, "--to", to)
        if emptied.status != 0 { flaws.append("\(from) cannot be emptied any more: \(emptied.text)") }
        _ = try await lab.migfra("uncordon", from)
      }
    }
    for guest in guests where flaws.isEmpty {
      let places = try await faultLab.places(of: guest.name)
      if places.map(\.description) != ["\(guest.home)/running"] { flaws.append("\(guest.name) has come to \(places)") }
    }
    if !faultLab.job.isGoingOn {
      flaws.append("the job stands still at the end: toggled \(faultLab.job.toggles) times")
    }
  }

  /// No machine was started anew, or is another one.
  private mutating func checkTestimonies(_ watch: Watch, except stopped: Set<String>) async throws {
    let testimonies = try await watch.end()
    for guest in guests where !stopped.contains(guest.name) {
      guard let testimony = testimonies.first(where: { $0.address == Lab.address(guest.number) }) else {
        flaws.append("nothing was heard of \(guest.name)")
        continue
      }
      if testimony.backwards != 0 { flaws.append("the clock of \(guest.name) went back: \(testimony)") }
    }
  }

  /// Now that later tasks were answered, a second answer to an earlier one would be there.
  private mutating func countAnswers(_ bus: LabBus) {
    var counts: [String: Int] = [:]
    for host in FaultLab.hosts {
      for result in bus.results(of: host) {
        counts[result.firstMatch(of: /(?m)^id: (\S+)$/).map { String($0.output.1) } ?? result, default: 0] += 1
      }
    }
    for (id, count) in counts.sorted(by: { $0.key < $1.key }) where count != 1 {
      flaws.append("\(id) was answered \(count) times")
    }
  }
}
