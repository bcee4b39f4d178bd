// swift-tools-version: 6.2

import PackageDescription

// A package of its own, because everything in it is built to be watched by libFuzzer.  Tests/Fuzz/fuzz builds and runs it.
let package = Package(
  name: "migfra-fuzz",
  dependencies: [.package(name: "migfra", path: "../..")],
  targets: [
    .target(name: "CFuzzer", path: "CFuzzer"),
    .executableTarget(
      name: "migfra-fuzz", dependencies: ["CFuzzer", .product(name: "MigfraFuzzing", package: "migfra")],
      path: "Program",
      swiftSettings: [
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
