public import ArgumentParser
public import ClusterModel
public import MigfraProtocol

extension PlacementMode: ExpressibleByArgument {}
extension MigrationType: ExpressibleByArgument {}
extension Deadline.Policy: ExpressibleByArgument {}
