// swift-tools-version: 6.2

import PackageDescription

/// Every Swift target of ours is built by the same rules.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A target of `Sources/`; its folder is named in full, because the tree is the architecture.
func room(
  _ name: String, _ path: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(path)", exclude: exclude, swiftSettings: strict)
}

/// A program: a composition root and its command line, nothing else.
func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: strict)
}

func clibrary(_ name: String, _ path: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/\(path)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
  name: "migfra",
  products: [
    .executable(name: "migfra-worker", targets: ["NodeWorker"]),
    .executable(name: "migfra-coordinator", targets: ["Coordinator"]),
    .executable(name: "migfra-guest-agent", targets: ["GuestAgent"]),
    .executable(name: "migfra", targets: ["MigfraCommand"]),
    .executable(name: "planner-bench", targets: ["PlannerBench"]),
    // For the benchmarks, which are a package of their own.
    .library(name: "MigfraBus", targets: ["MessageBus", "Mosquitto"]),
    .library(name: "MigfraProtocol", targets: ["ClusterModel", "MigfraProtocol"]),
    .library(name: "MigfraYAML", targets: ["YAML"]),
    // For fuzzing, which is a package of its own too.
    .library(name: "MigfraFuzzing", targets: ["FuzzTargets"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Shared: the words, the wire and the bus.
    room("ClusterModel", "Shared/ClusterModel"),
    clibrary("CLibYAML", "Shared/CLibYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    room("YAML", "Shared/YAML", ["CLibYAML"]),
    room("MigfraProtocol", "Shared/MigfraProtocol", ["ClusterModel", "YAML"]),
    room("MessageBus", "Shared/MessageBus"),
    clibrary("CMosquitto", "Shared/CMosquitto", pkgConfig: "libmosquitto", apt: "libmosquitto-dev"),
    room("Mosquitto", "Shared/Mosquitto", ["CMosquitto", "MessageBus"]),
    room("BlockingPool", "Shared/BlockingPool"),
    room("VirtualTime", "Shared/VirtualTime"),
    clibrary("CCurl", "Shared/CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    room(
      "DaemonKit", "Shared/DaemonKit",
      [
        "ClusterModel", "MessageBus", "MigfraProtocol", "Mosquitto", "YAML", argumentParser, logging, lifecycle,
        signals,
      ]),

    room("Journal", "Shared/Journal", ["MigfraProtocol", grdb, logging]),

    // Coordinator: sees every host, plans, drives.
    room("Placement", "Coordinator/Core/Placement", ["ClusterModel"]),
    room("CaseFormat", "Coordinator/CaseFormat", ["ClusterModel", "Placement"]),
    room(
      "CoordinatorCore", "Coordinator/Core", ["ClusterModel", "MigfraProtocol", "Placement"], exclude: ["Placement"]),
    room(
      "CoordinatorServices", "Coordinator/Services",
      ["CoordinatorCore", "DaemonKit", "Journal", "MessageBus", "MigfraProtocol", grdb, logging, lifecycle]),
    program(
      "Coordinator", "Coordinator/Main",
      ["CoordinatorServices", "DaemonKit", "Journal", argumentParser, logging]),

    // NodeWorker: carries out what concerns one host.
    room("NodeWorkerCore", "NodeWorker/Core", ["ClusterModel", "MigfraProtocol", collections]),
    clibrary("CLibXML", "NodeWorker/CLibXML", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
    room("XML", "NodeWorker/XML", ["CLibXML"]),
    clibrary("CLibvirt", "NodeWorker/CLibvirt", pkgConfig: "libvirt", apt: "libvirt-dev"),
    room("Libvirt", "NodeWorker/Libvirt", ["BlockingPool", "CLibvirt", "XML"]),
    room("Readiness", "NodeWorker/Readiness", ["BlockingPool", "CCurl"]),
    room(
      "NodeWorkerServices", "NodeWorker/Services",
      [
        "DaemonKit", "Journal", "Libvirt", "MessageBus", "MigfraProtocol", "NodeWorkerCore", "Readiness", "XML", grdb,
        logging,
        lifecycle,
      ]),
    program(
      "NodeWorker", "NodeWorker/Main",
      ["BlockingPool", "ClusterModel", "DaemonKit", "Journal", "NodeWorkerServices", argumentParser, logging]),

    // The guest's side: runs inside a virtual machine, beside the processes of a job.
    room("GuestAgentCore", "NodeWorker/GuestAgent/Core", ["ClusterModel", "MigfraProtocol"]),
    room(
      "GuestAgentServices", "NodeWorker/GuestAgent/Services",
      [
        "BlockingPool", "ClusterModel", "DaemonKit", "GuestAgentCore", "MessageBus", "MigfraProtocol", "YAML", logging,
        lifecycle,
      ]),
    program(
      "GuestAgent", "NodeWorker/GuestAgent/Main",
      ["ClusterModel", "DaemonKit", "GuestAgentServices", argumentParser, logging]),

    // Simulation: both cores in virtual time, and all that is around them.
    room(
      "Simulation", "Simulation",
      ["ClusterModel", "CoordinatorCore", "MigfraProtocol", "NodeWorkerCore", "VirtualTime"]),

    // CLI: what operators type.
    program(
      "MigfraCommand", "CLI",
      [
        "CaseFormat", "ClusterModel", "CoordinatorCore", "DaemonKit", "MessageBus", "MigfraProtocol", "Mosquitto",
        "Placement", "Simulation", argumentParser,
      ]),

    // Tests: one folder per target.
    .target(
      name: "TestSupport", dependencies: ["MessageBus", "Mosquitto"], path: "Tests/Support",
      swiftSettings: strict),
    .target(
      name: "PlannerCases", dependencies: ["ClusterModel", "Placement"], path: "Tests/Planner/Cases",
      swiftSettings: strict),
    .executableTarget(
      name: "PlannerBench", dependencies: ["ClusterModel", "Placement", "PlannerCases", argumentParser],
      path: "Tests/Planner/Bench", swiftSettings: strict),
    tests("Simulation", ["Simulation"]),
    .target(
      name: "FuzzTargets",
      dependencies: ["CaseFormat", "ClusterModel", "DaemonKit", "MigfraProtocol", "Readiness", "XML", "YAML"],
      path: "Tests/Fuzz/Targets", swiftSettings: strict),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Kept", swiftSettings: strict),
    .testTarget(
      name: "LabTests", dependencies: ["TestSupport"], path: "Tests/Lab/Cases", swiftSettings: strict),
    tests(
      "Programs", ["ClusterModel", "MessageBus", "MigfraProtocol", "Mosquitto", "TestSupport"]),
    tests(
      "Services",
      [
        "ClusterModel", "CoordinatorCore", "CoordinatorServices", "DaemonKit", "Journal", "MessageBus",
        "MigfraProtocol", "NodeWorkerCore",
        "NodeWorkerServices", "TestSupport", "XML", logging,
      ]),
    tests("ClusterModel", ["ClusterModel"]),
    tests("CaseFormat", ["CaseFormat", "ClusterModel", "Placement"]),
    tests("Placement", ["ClusterModel", "Placement", "PlannerCases"]),
    tests("YAML", ["YAML"]),
    tests("MigfraProtocol", ["ClusterModel", "MigfraProtocol", "YAML"]),
    tests(
      "DaemonKit", ["ClusterModel", "DaemonKit", "MigfraProtocol", "TestSupport", "YAML", argumentParser, logging]),
    tests("Journal", ["ClusterModel", "Journal", "MigfraProtocol", "TestSupport"]),
    tests("MessageBus", ["MessageBus", "TestSupport"]),
    tests("Mosquitto", ["Mosquitto", "TestSupport"]),
    tests("BlockingPool", ["BlockingPool"]),
    tests("CoordinatorCore", ["ClusterModel", "CoordinatorCore", "MigfraProtocol", "VirtualTime"]),
    tests("NodeWorkerCore", ["ClusterModel", "MigfraProtocol", "NodeWorkerCore", "VirtualTime"]),
    tests("XML", ["XML"]),
    tests(
      "GuestAgent",
      [
        "ClusterModel", "DaemonKit", "GuestAgentCore", "GuestAgentServices", "MessageBus", "MigfraProtocol",
        "Mosquitto", "TestSupport", "VirtualTime", logging,
      ]),
    tests("Libvirt", ["BlockingPool", "Libvirt", "TestSupport"]),
    tests("Readiness", ["BlockingPool", "Readiness", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
