// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that whoever builds Migfra does not fetch and build what is only compared with.
let package = Package(
  name: "migfra-benchmarks",
  dependencies: [
    .package(name: "migfra", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .executableTarget(
      name: "migfra-bench",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "MigfraBus", package: "migfra"),
        .product(name: "MigfraProtocol", package: "migfra"),
        .product(name: "MigfraYAML", package: "migfra"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/MigfraBench",
      swiftSettings: [
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
