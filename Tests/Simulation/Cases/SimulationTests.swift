import Simulation
import Testing

@Suite("Simulated histories")
struct SimulationTests {
  @Test("Nothing that goes wrong breaks a promise")
  func promises() {
    var campaign = Campaign()
    for seed in 1...20 { campaign.run(UInt64(seed)) }
    #expect(campaign.failures.isEmpty, "\(campaign.failures.first?.description ?? "")")
  }
}
