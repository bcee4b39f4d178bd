extension Plan {
  /// What a plan is judged by, in numbers: the smaller the better, which of them first depends on the mode.
  public struct Score: Sendable, Equatable {
    /// Machines that should have moved and have no place.
    public var unplaced: Int
    /// Moves beyond one for each machine: others that make room, visits to a third host.
    public var extraMoves: Int
    public var suspends: Int
    /// CPUs that receiving hosts have too few after the plan and did not lack before.
    public var overbookedCPUs: Int
    public var receivingHosts: Int
    /// Of memory or CPUs of the fullest receiving host after the plan; above 1 is overbooked.
    public var highestShare: Double
    /// Machines that a receiving host receives.
    public var fewestReceived: Int
    public var mostReceived: Int
    /// Until the last step ends, estimated; nil: not known.
    public var seconds: Double?

    public init(
      unplaced: Int = 0, extraMoves: Int = 0, suspends: Int = 0, overbookedCPUs: Int = 0, receivingHosts: Int = 0,
      highestShare: Double = 0, fewestReceived: Int = 0, mostReceived: Int = 0, seconds: Double? = nil
    ) {
      self.unplaced = unplaced
      self.extraMoves = extraMoves
      self.suspends = suspends
      self.overbookedCPUs = overbookedCPUs
      self.receivingHosts = receivingHosts
      self.highestShare = highestShare
      self.fewestReceived = fewestReceived
      self.mostReceived = mostReceived
      self.seconds = seconds
    }

    /// Counts a destination as it is after the plan.
    public mutating func count(_ load: HostLoad, received: Int) {
      guard received > 0 else { return }
      mostReceived = max(mostReceived, received)
      fewestReceived = receivingHosts == 0 ? received : min(fewestReceived, received)
      receivingHosts += 1
      highestShare = max(highestShare, load.shareAfter)
      overbookedCPUs += max(0, load.vcpusAfter - max(load.capacity.cpus, load.vcpusBefore))
    }

    /// Of a plan that empties hosts.
    ///
    /// - Parameter loads: the sources and every host that receives.
    public init(moves: [Move], unplaced: Int, loads: [HostLoad]) {
      self.init(unplaced: unplaced)
      var received: [HostName: Int] = [:]
      var sources: Set<HostName> = []
      for move in moves {
        received[move.destination, default: 0] += 1
        sources.insert(move.source)
        if let end = move.estimatedEnd { seconds = max(seconds ?? 0, end) }
      }
      for load in loads where !sources.contains(load.host) { count(load, received: received[load.host] ?? 0) }
    }
  }

  public var score: Score { Score(moves: moves, unplaced: unplaced.count, loads: loads) }
}

extension Plan.HostLoad {
  /// The fuller of memory and CPUs after the plan; above 1 is overbooked.
  public var shareAfter: Double {
    max(
      Double(memoryKiBAfter) / Double(max(1, capacity.memoryKiB)), Double(vcpusAfter) / Double(max(1, capacity.cpus)))
  }
}
