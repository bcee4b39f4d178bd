/// Orders given moves under the hosts' slots: list scheduling on ports with several priorities, the best result wins.
///
/// Each move takes one outgoing slot of its source and one incoming slot of its destination. The busiest port divided
/// by its slots is a bound; a schedule that reaches it ends the search.
struct Scheduler {
  struct Job {
    var vm: Int
    var source: Int
    var destination: Int
    /// Microseconds.
    var duration: Int
  }

  /// Weights of a job's priority: work left at its source's and destination's ports, its own length.
  private struct Mix {
    var ports: Int
    var length: Int
    /// Whether a port that gets free takes the job whose other end has most left to do then.
    var isAdaptive = false
  }

  private let problem: Problem
  private let jobs: [Job]
  /// Where the jobs of each port would begin in a list of all.
  private var portFirst: [Int]
  /// Dense numbers of the ports of each job.
  private var out: [Int]
  private var into: [Int]
  private var slots: [Int] = []
  private var load: [Int] = []
  /// Microseconds below which no schedule ends.
  let bound: Int

  init(_ problem: Problem, _ jobs: [Job]) {
    self.problem = problem
    self.jobs = jobs
    var outPort = [Int](repeating: -1, count: problem.hosts.count)
    var inPort = outPort
    out = []
    into = []
    out.reserveCapacity(jobs.count)
    into.reserveCapacity(jobs.count)
    var longest = 0
    for job in jobs {
      if outPort[job.source] < 0 {
        outPort[job.source] = slots.count
        slots.append(problem.hosts[job.source].outbound)
        load.append(0)
      }
      if inPort[job.destination] < 0 {
        inPort[job.destination] = slots.count
        slots.append(problem.hosts[job.destination].inbound)
        load.append(0)
      }
      out.append(outPort[job.source])
      into.append(inPort[job.destination])
      load[outPort[job.source]] += job.duration
      load[inPort[job.destination]] += job.duration
      longest = max(longest, job.duration)
    }
    portFirst = [Int](repeating: 0, count: slots.count + 1)
    for job in jobs.indices {
      portFirst[out[job] + 1] += 1
      portFirst[into[job] + 1] += 1
    }
    for port in slots.indices { portFirst[port + 1] += portFirst[port] }
    var bound = longest
    for port in slots.indices { bound = max(bound, (load[port] + slots[port] - 1) / slots[port]) }
    self.bound = bound
  }

  /// The jobs as steps with their times, in the order in which they start.
  func steps(attempts: Int) -> [Solution.Step] {
    let starts = starts(attempts: attempts)
    var order = Array(jobs.indices)
    order.sort { starts[$0] != starts[$1] ? starts[$0] < starts[$1] : $0 < $1 }
    return order.map { number in
      let job = jobs[number]
      return Solution.Step(
        kind: .migrate, vm: job.vm, source: job.source, destination: job.destination, start: starts[number],
        end: starts[number] + job.duration)
    }
  }

  /// The start of each job, in microseconds.
  private func starts(attempts: Int) -> [Int] {
    let mixes = [
      Mix(ports: 4, length: 1, isAdaptive: true), Mix(ports: 4, length: 1), Mix(ports: 1, length: 1),
      Mix(ports: 1, length: 4), Mix(ports: 1, length: 0),
      Mix(ports: 0, length: 1), Mix(ports: 2, length: 3),
    ]
    var best: [Int] = []
    var shortest = Int.max
    // What is good enough, and how often to try: large plans are averages, and soon near the bound.
    let tolerance = jobs.count > 10_000 ? bound / 125 : bound / 2000
    let affordable = max(1, min(attempts, 30_000 / max(1, jobs.count)))
    for mix in mixes.prefix(affordable) {
      let (starts, end) = run(mix)
      if end < shortest {
        shortest = end
        best = starts
      }
      if shortest <= bound + tolerance { break }
    }
    // More is worth less than what it takes near the bound.
    let nearby = jobs.count < 500 ? tolerance : bound / 120
    if attempts > 1, jobs.count < 5_000, shortest > bound + nearby {
      let (starts, end) = inserted()
      if end < shortest {
        shortest = end
        best = starts
      }
    }
    // Ports and jobs that ended late come first in the next attempt.
    var urgency = [Int](repeating: 0, count: slots.count)
    var jobUrgency = [Int](repeating: 0, count: jobs.count)
    var latest = best
    for _ in 0..<(attempts > 1 ? min(200, 50_000 / max(1, jobs.count)) : 0) where shortest > bound + nearby {
      for job in jobs.indices {
        let late = latest[job] + jobs[job].duration - bound
        guard late > 0 else { continue }
        urgency[out[job]] += late / 2
        urgency[into[job]] += late / 2
        jobUrgency[job] += late * 4
      }
      let (starts, end) = run(Mix(ports: 4, length: 1), urgency, jobUrgency)
      latest = starts
      if end < shortest {
        shortest = end
        best = starts
      }
    }
    return best
  }

  /// Each job, by priority, as early as its ports have room.
  private func inserted() -> (starts: [Int], end: Int) {
    var timelines = PortTimelines(slots: slots)
    var starts = [Int](repeating: 0, count: jobs.count)
    var end = 0
    for job in order() {
      starts[job] = timelines.add(jobs[job].duration, out[job], into[job])
      end = max(end, starts[job] + jobs[job].duration)
    }
    return (starts, end)
  }

  /// Jobs by priority: those at busy ports and long ones first.
  func order() -> [Int] { prioritised(Mix(ports: 4, length: 1), nil, nil).map(\.1) }

  private func prioritised(_ mix: Mix, _ urgency: [Int]?, _ jobUrgency: [Int]?) -> [(Int, Int)] {
    var keyed = jobs.indices.map { job in
      var ports = max(load[out[job]] / slots[out[job]], load[into[job]] / slots[into[job]])
      if let urgency {
        ports = max(
          load[out[job]] / slots[out[job]] + urgency[out[job]], load[into[job]] / slots[into[job]] + urgency[into[job]])
      }
      return (-(ports * mix.ports + jobs[job].duration * mix.length + (jobUrgency?[job] ?? 0)), job)
    }
    keyed.sort { $0.0 != $1.0 ? $0.0 < $1.0 : $0.1 < $1.1 }
    return keyed
  }

  /// - Parameters:
  ///   - urgency: of each port, added to the work left there.
  ///   - jobUrgency: of each job, added to its priority: of a late port's jobs those that were late themselves come first.
  private func run(_ mix: Mix, _ urgency: [Int]? = nil, _ jobUrgency: [Int]? = nil) -> (starts: [Int], end: Int) {
    // By priority, then dealt to their ports in that order.
    let keyed = prioritised(mix, urgency, jobUrgency)
    var queue = PortQueues(jobCount: jobs.count, portFirst: portFirst)
    for (_, job) in keyed { queue.append(job, out[job], into[job]) }
    var free = slots
    var starts = [Int](repeating: 0, count: jobs.count)
    var running = EventHeap()
    var now = 0
    var end = 0
    var left = jobs.count
    var waiting = load
    func start(_ job: Int, _ free: inout [Int], _ queue: inout PortQueues, _ running: inout EventHeap) {
      free[out[job]] -= 1
      free[into[job]] -= 1
      waiting[out[job]] -= jobs[job].duration
      waiting[into[job]] -= jobs[job].duration
      starts[job] = now
      end = max(end, now + jobs[job].duration)
      running.push(now + jobs[job].duration, job)
      queue.remove(job, out[job], into[job])
      left -= 1
    }
    for (_, job) in keyed where free[out[job]] > 0 && free[into[job]] > 0 { start(job, &free, &queue, &running) }
    while left > 0, let (time, ended) = running.pop() {
      now = time
      free[out[ended]] += 1
      free[into[ended]] += 1
      // What ends at the same moment frees its slots before anything is chosen.
      var freed = [out[ended], into[ended]]
      while let (other, job) = running.first, other == time {
        _ = running.pop()
        free[out[job]] += 1
        free[into[job]] += 1
        freed.append(out[job])
        freed.append(into[job])
      }
      for port in freed where mix.isAdaptive {
        while free[port] > 0 {
          var best = -1
          var most = -1
          var job = queue.first(port)
          var looks = 0
          while job >= 0, looks < 64 {
            looks += 1
            let isOut = port == out[job]
            let other = isOut ? into[job] : out[job]
            if free[other] > 0 {
              let value = waiting[other] / slots[other] * mix.ports + jobs[job].duration * mix.length
              if value > most {
                most = value
                best = job
              }
            }
            job = queue.next(job, isOut: isOut)
          }
          if best < 0 { break }
          start(best, &free, &queue, &running)
        }
      }
      for port in freed where !mix.isAdaptive {
        var job = queue.first(port)
        while job >= 0, free[port] > 0 {
          let following = queue.next(job, isOut: port == out[job])
          if free[out[job]] > 0, free[into[job]] > 0 { start(job, &free, &queue, &running) }
          job = following
        }
      }
    }
    return (starts, end)
  }
}
