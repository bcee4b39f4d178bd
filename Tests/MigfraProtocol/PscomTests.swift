import ClusterModel
import MigfraProtocol
import Testing

@Suite("Messages and topics between workers and the processes of jobs")
struct PscomTests {
  @Test("a request is read in either form", arguments: PscomRequest.allCases)
  func requests(_ request: PscomRequest) throws {
    for form in PscomForm.allCases { #expect(try PscomRequest.decode(request.encoded(as: form)) == request) }
    #expect(String(decoding: request.encoded(as: .seed), as: UTF8.self) == "task: \(request.rawValue)\n")
    #expect(String(decoding: request.encoded(as: .reference), as: UTF8.self) == request.rawValue)
  }

  @Test("what is no request is refused", arguments: ["", "stop", "task: stop", "[suspend]", "task: [suspend]"])
  func noRequests(_ text: String) {
    #expect(throws: (any Error).self) { try PscomRequest.decode(Array(text.utf8)) }
  }

  @Test(
    "any answer counts, and says what it says",
    arguments: [
      ("", PscomAnswer(nil)), ("suspend", PscomAnswer(.suspend)), ("task: resume", PscomAnswer(.resume)),
      ("{status: error, details: no}", PscomAnswer(nil, isSuccess: false, details: "no")),
      ("{task: suspend, status: success}", PscomAnswer(.suspend)), ("[junk", PscomAnswer(nil)),
      ("{task: 7, status: [1]}", PscomAnswer(nil)),
    ])
  func answers(_ text: String, _ expected: PscomAnswer) {
    #expect(PscomAnswer.decode(Array(text.utf8)) == expected)
  }

  @Test("what we write is read back")
  func roundTrip() throws {
    let answer = PscomAnswer(.suspend, isSuccess: false, details: "it did not stop")
    #expect(PscomAnswer.decode(answer.encoded()) == answer)
    for state in PscomProcessReport.State.allCases {
      #expect(try PscomProcessReport.decode(PscomProcessReport(state).encoded()).state == state)
    }
  }

  @Test("topics follow the templates, the seed's and the reference's")
  func templates() {
    let seed = PscomTopics()
    #expect(seed.request("vm1", "42") == "fast/pscom/vm1/42/request")
    #expect(seed.anyResponse == "fast/pscom/+/+/response")
    #expect(seed.areAddressable)
    let reference = PscomTopics(
      request: "fast/pscom/<vm_name>/any_proc/request", response: "fast/pscom/<vm_name>/+/response")
    #expect(reference.request("vm1", "42") == "fast/pscom/vm1/any_proc/request")
    #expect(!reference.areAddressable)
    for topics in [seed, reference] {
      #expect(topics.responder(of: "fast/pscom/vm1/42/response")?.vm == "vm1")
      #expect(topics.responder(of: "fast/pscom/vm1/42/response")?.process == "42")
      for topic in ["fast/pscom/vm1/42/request", "fast/pscom/vm1/response", "fast/pscom//42/response", "x"] {
        #expect(topics.responder(of: topic) == nil)
      }
    }
    #expect(PscomTopics.process(of: "fast/pscom/vm1/42/state", "state")?.process == "42")
    #expect(PscomTopics.process(of: "fast/pscom/vm1/42/request", "state") == nil)
  }
}
