import ClusterModel
import MigfraProtocol
import NodeWorkerCore

/// Carries out one operation and says how it ended.
struct OperationRunner {
  let hypervisor: any Hypervisor

  func perform(
    _ operation: Operation, _ control: OperationControl, progress: @escaping @Sendable (MigrationProgress) -> Void
  ) async -> OperationOutcome {
    do throws(HypervisorError) {
      switch operation {
      case .start(let start):
        let started = try await hypervisor.start(start, control)
        return .success(vm: started.name, processID: started.processID, details: started.details)
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
      case .examine(let order):
        return switch try await hypervisor.examine(order) {
        case .ready: .ready
        case .alreadyThere: .success(vm: order.vm)
        }
      case .migrate(let order):
        let moved = try await hypervisor.migrate(order, control, progress: progress)
        let remarks = moved.remarks.isEmpty ? nil : moved.remarks.joined(separator: "; ")
        return .success(vm: order.vm, processID: moved.processID, details: remarks, times: moved.times)
      }
    } catch {
      return .failure(error.code, error.description, mayPass: error.mayPass)
    }
  }
}
