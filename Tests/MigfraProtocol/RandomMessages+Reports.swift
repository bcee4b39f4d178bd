import ClusterModel
import MigfraProtocol

extension RandomMessages {
  mutating func machine() -> VirtualMachine {
    VirtualMachine(
      name: VMName(rawValue: text()), uuid: text(), state: one(of: VirtualMachine.State.allCases),
      memoryKiB: below(1 << 36), vcpus: below(1 << 20), isPersistent: flip(), processID: maybe { $0.number() },
      job: maybe { $0.job() })
  }

  mutating func hostReport() -> HostReport {
    var report = HostReport(
      host: host(), presence: one(of: HostReport.Presence.allCases), epoch: next(), sequence: number(), version: text())
    guard report.presence == .online else { return report }
    report.capacity = HostCapacity(
      memoryKiB: below(1 << 36), cpus: below(1 << 20), bandwidthMiB: maybe { 1 + $0.below(1 << 20) },
      rack: maybe { $0.text() }, labels: some(2) { $0.text() })
    report.isHypervisorReachable = flip()
    report.hypervisor = text()
    report.vms = some(4) { $0.machine() }
    return report
  }

  mutating func nodeReport() -> NodeReport {
    NodeReport(
      host: host(), state: one(of: NodeReport.State.allCases), reason: text(),
      strays: some(2) { random in
        StrayCopy(
          name: VMName(rawValue: random.text()), uuid: random.text(), isActive: random.flip(),
          others: random.some(2) { random in
            StrayCopy.Other(host: random.host(), name: VMName(rawValue: random.text()), isActive: random.flip())
          })
      })
  }

  mutating func progress() -> MigrationProgress {
    MigrationProgress(
      vm: VMName(rawValue: text()), task: maybe { $0.id() }, destination: host(),
      phase: one(of: MigrationProgress.Phase.allCases), totalBytes: number(), doneBytes: number(),
      remainingBytes: number(), rate: number(), dirtyRate: maybe { $0.number() }, elapsedSeconds: seconds(),
      remainingSeconds: maybe { $0.seconds() })
  }

  mutating func news() -> CoordinatorNews {
    let about = some(3) { ($0.text(), $0.text()) }
    return CoordinatorNews(
      Note(one(of: Note.Level.allCases), text(), Dictionary(about) { first, _ in first }), unixTime: seconds())
  }

  mutating func planReport() -> PlanReport {
    let request = EvacuationRequest(
      sources: [host()] + some(2) { $0.host() }, destinations: some(3) { $0.host() },
      mode: one(of: PlacementMode.allCases), overbooking: flip(),
      cpuRatio: flip() ? 1.5 : nil, bestEffort: flip(), migrationType: one(of: MigrationType.allCases),
      retries: number())
    let operation = one(of: [
      PlanReport.Operation.evacuation(request), .exchange, .rearrangement, .restore(host()), .migration,
    ])
    var report = PlanReport(
      id: planID(), operation: operation, state: one(of: PlanReport.State.allCases), reason: text(),
      task: maybe { $0.id() }, moves: some(3) { $0.move() },
      unplaced: some(3) {
        Plan.Unplaced(
          vm: $0.machine(), source: $0.host(), cause: $0.one(of: Plan.Unplaced.Cause.allCases), details: $0.text())
      },
      loads: some(3) {
        Plan.HostLoad(
          host: $0.host(), capacity: HostCapacity(memoryKiB: $0.below(1 << 36), cpus: $0.below(1 << 20)),
          vmsBefore: $0.number(), vmsAfter: $0.number(), memoryKiBBefore: $0.number(), memoryKiBAfter: $0.number(),
          vcpusBefore: $0.number(), vcpusAfter: $0.number())
      }, seconds: seconds(), remainingSeconds: maybe { $0.seconds() })
    report.requester = maybe { $0.text() }
    report.purpose = maybe { $0.text() }
    report.began = maybe { $0.seconds() }
    report.ended = maybe { $0.seconds() }
    return report
  }

  private mutating func move() -> PlanReport.Move {
    PlanReport.Move(
      move: Plan.Move(vm: machine(), source: host(), destination: host()),
      stage: maybe { $0.one(of: PlanReport.Move.Stage.allCases) }, state: one(of: PlanReport.Move.State.allCases),
      retries: number(), details: maybe { $0.text() },
      progress: maybe { $0.progress() }, seconds: maybe { $0.seconds() })
  }
}
