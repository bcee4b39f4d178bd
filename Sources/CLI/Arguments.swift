public import ArgumentParser
public import ClusterModel
public import MigfraProtocol
public import Simulation

extension PlacementMode: ExpressibleByArgument {}
extension MigrationType: ExpressibleByArgument {}
extension Deadline.Policy: ExpressibleByArgument {}
extension Sabotage: ExpressibleByArgument {}

extension HookProcesses: ExpressibleByArgument {
  public init?(argument: String) {
    if argument == "auto" {
      self = .announced
    } else if let count = Int(argument), (0...100_000).contains(count) {
      self = .count(count)
    } else {
      return nil
    }
  }
}
