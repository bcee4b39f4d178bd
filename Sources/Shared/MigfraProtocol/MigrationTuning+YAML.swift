import ClusterModel
import YAML

extension MigrationTuning {
  /// Reads the tuning from a task's `parameter`.
  init(_ parameter: inout MappingReader) throws(YAMLError) {
    self.init()
    if parameter.asksFor("vcpu-map") { vcpuMap = try parameter.requiredMap("vcpu-map") }
    hookProcesses = try parameter.hookProcesses()
    if parameter.asksFor("rdma-migration") { usesRDMA = try parameter.required("rdma-migration") }
    if parameter.asksFor("transport") { transport = try parameter.required("transport") }
    bandwidth = try parameter.optionalCount("bandwidth")
    autoConverges = try parameter.optional("auto-converge") ?? false
    postCopies = try parameter.optional("post-copy") ?? false
    parallelConnections = try parameter.optionalCount("parallel-connections")
    compresses = try parameter.optional("compression") ?? false
    timeout = try parameter.optionalCount("timeout")
    downtimeLimit = try parameter.optionalCount("downtime-limit")
    nonConvergence = try parameter.optional("non-convergence")
    offlineStage = try parameter.optional("offline-stage")
    for (key, value) in [
      ("bandwidth", bandwidth), ("parallel-connections", parallelConnections), ("timeout", timeout),
      ("downtime-limit", downtimeLimit),
    ] where value == 0 || value ?? 1 > 1_000_000 {
      throw parameter.error("expected 1 to 1000000", key: key)
    }
  }

  var fields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = []
    if let vcpuMap { fields.append(("vcpu-map", .cpus(vcpuMap))) }
    if let hookProcesses { fields.append(("pscom-hook-procs", hookProcesses.node)) }
    if usesRDMA { fields.append(("rdma-migration", true)) }
    if let transport { fields.append(("transport", .string(transport.rawValue))) }
    if let bandwidth { fields.append(("bandwidth", .integer(bandwidth))) }
    if autoConverges { fields.append(("auto-converge", true)) }
    if postCopies { fields.append(("post-copy", true)) }
    if let parallelConnections { fields.append(("parallel-connections", .integer(parallelConnections))) }
    if compresses { fields.append(("compression", true)) }
    if let timeout { fields.append(("timeout", .integer(timeout))) }
    if let downtimeLimit { fields.append(("downtime-limit", .integer(downtimeLimit))) }
    if let nonConvergence { fields.append(("non-convergence", .string(nonConvergence.rawValue))) }
    if let offlineStage { fields.append(("offline-stage", .string(offlineStage.rawValue))) }
    return fields
  }
}

extension HookProcesses {
  var node: YAMLNode {
    switch self {
    case .count(let count): .integer(count)
    case .announced: "auto"
    }
  }
}

extension YAMLNode {
  /// In flow form: `[[4], [5, 6]]`.
  static func cpus(_ map: VCPUMap) -> YAMLNode {
    .flow(map.map { .flow($0.map { .integer($0) }) })
  }
}

extension MappingReader {
  /// `pscom-hook-procs`: a count, or `auto`; nil: nobody's connections.
  mutating func hookProcesses() throws(YAMLError) -> HookProcesses? {
    let key = "pscom-hook-procs"
    guard asksFor(key) else { return nil }
    if case .scalar(let scalar)? = node(key)?.kind, scalar.text == "auto" { return .announced }
    do throws(YAMLError) {
      let count = try requiredCount(key)
      guard count <= 100_000 else { throw error("expected 0 to 100000, or auto", key: key) }
      return .count(count)
    } catch {
      throw self.error("expected 0 to 100000, or auto", key: key)
    }
  }
}
