import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// Carries out one operation and says how it ended.
struct OperationRunner {
  let hypervisor: any Hypervisor

  func perform(
    _ operation: Operation, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async -> OperationOutcome {
    let clock = ContinuousClock()
    let began = clock.now
    do throws(HypervisorError) {
      switch operation {
      case .start(let start):
        let started = try await hypervisor.start(start)
        return .success(vm: started.name, processID: started.processID)
      case .stop(let stop):
        try await hypervisor.stop(stop)
        return .success(vm: stop.vm)
      case .suspend(let vm):
        try await hypervisor.suspend(vm)
        return .success(vm: vm)
      case .resume(let vm):
        try await hypervisor.resume(vm)
        return .success(vm: vm)
      case .repin(let repin):
        try await hypervisor.repin(repin)
        return .success(vm: repin.vm)
      case .migrate(let order):
        try await hypervisor.migrate(order, progress: progress)
        return .success(vm: order.vm, times: [TimeMeasurement("migrate", seconds: (clock.now - began).inSeconds)])
      }
    } catch {
      return .failure(error.code, error.description, mayPass: error.mayPass)
    }
  }
}
