import ArgumentParser
import CaseFormat
import ClusterModel

/// How hosts are to be emptied, for the commands that do it and those that only think about it.
struct WishOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .upToNextOption,
    help: ArgumentHelp(
      "Where the machines may go, in order of preference; otherwise to every host that takes arrivals.",
      valueName: "host"))
  var to: [String] = []

  @Option(
    help: ArgumentHelp(
      "auto (fullest host as little full as possible), compact (few hosts), scatter (equal numbers). Else as the "
        + "coordinator is configured, and auto where there is none.",
      valueName: "mode"))
  var mode: PlacementMode?

  @Flag(help: "Let virtual CPUs exceed CPUs where there is no other way.")
  var overbooking = false

  @Option(help: ArgumentHelp("With --overbooking: at most so many virtual CPUs for each CPU.", valueName: "number"))
  var cpuRatio: Double?

  func validate() throws {
    guard let cpuRatio else { return }
    if !overbooking { throw ValidationError("--cpu-ratio goes with --overbooking") }
    if !(1...1000).contains(cpuRatio) { throw ValidationError("--cpu-ratio: expected 1 to 1000") }
  }

  func validate(_ hosts: [String]) throws {
    for name in hosts + to where !HostName(rawValue: name).isValid {
      throw ValidationError("'\(name)' is no host name")
    }
  }

  func request(emptying host: HostName) -> EvacuationRequest {
    EvacuationRequest(
      sources: [host], destinations: to.map(HostName.init(rawValue:)), mode: mode ?? .auto, overbooking: overbooking,
      cpuRatio: cpuRatio)
  }

  func wish(emptying hosts: [String], movesOthers: Bool) -> EvacuationWish {
    EvacuationWish(
      sources: hosts, destinations: to, mode: mode ?? .auto, overbooking: overbooking, cpuRatio: cpuRatio,
      movesOthers: movesOthers)
  }
}
