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

  func validate(_ hosts: [String]) throws {
    for name in hosts + to where !HostName(rawValue: name).isValid {
      throw ValidationError("'\(name)' is no host name")
    }
  }

  func request(emptying host: HostName) -> EvacuationRequest {
    EvacuationRequest(
      sources: [host], destinations: to.map(HostName.init(rawValue:)), mode: mode ?? .auto, overbooking: overbooking)
  }

  func wish(emptying hosts: [String], movesOthers: Bool) -> EvacuationWish {
    EvacuationWish(
      sources: hosts, destinations: to, mode: mode ?? .auto, overbooking: overbooking, movesOthers: movesOthers)
  }
}
