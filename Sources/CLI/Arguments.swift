public import ArgumentParser
public import ClusterModel

extension PlacementMode: ExpressibleByArgument {}
extension MigrationType: ExpressibleByArgument {}
