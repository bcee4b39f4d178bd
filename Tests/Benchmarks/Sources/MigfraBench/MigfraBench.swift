import ArgumentParser

/// Figures for `docs/benchmarks.md`; each subcommand prints the tables of one section.
@main
struct MigfraBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migfra-bench", abstract: "Measures parts of Migfra.",
    subcommands: [YAMLBenchmark.self, RoundTripBenchmark.self, MigrationBenchmark.self, ClusterBenchmark.self])
}
