public import ArgumentParser
public import ClusterModel
public import MigfraProtocol
public import Simulation

extension PlacementMode: ExpressibleByArgument {}
extension MigrationType: ExpressibleByArgument {}
extension Deadline.Policy: ExpressibleByArgument {}
extension Sabotage: ExpressibleByArgument {}
