import CaseFormat
import Placement
import Testing

@Suite("Cases from files")
struct CaseFormatTests {
  static let small = """
    {"format":1,"name":"small","hosts":[
     {"name":"a","memory":8388608,"cpus":8,"bandwidth":1250000000,"inbound":2,"outbound":2,"rack":"r1"},
     {"name":"b","memory":8388608,"cpus":8,"bandwidth":1250000000,"inbound":2,"outbound":2,"labels":["gen2"]}],
     "vms":[{"name":"x\\u00e9","memory":4194304,"vcpus":2,"host":"a","requires":["gen2"]},
            {"name":"y","memory":16777216,"vcpus":2,"host":"a"}],
     "antiAffinity":[{"scope":"rack","vms":["y","x\\u00e9"]}],
     "task":{"kind":"evacuate","sources":["a"],"destinations":["b"],"mode":"auto","overbooking":false,
             "movable":"task","overhead":1,"storage":0,"bounce":false},
     "facts":{"nested":[1,{"a":null}],"f":-1.5e3}}
    """

  @Test("a case is read, planned and written in its own names")
  func plan() throws {
    let planningCase = try PlanningCase(json: Array(Self.small.utf8))
    #expect(planningCase.hostNames == ["a", "b"])
    #expect(planningCase.vmNames == ["xé", "y"])
    let solution = PlacementEngine.solve(planningCase.problem, budget: Budget(milliseconds: 1))
    let text = PlanText.json(solution, of: planningCase, seconds: 0.5)
    #expect(text.contains(#"{"vm":"xé","destination":"b"}"#))
    #expect(text.contains("needs 16 GiB of memory; closest is b with 4 GiB free, 12 GiB missing"))
    #expect(text.contains(#""start":0.000000"#))
  }

  @Test(
    "what is wrong is said",
    arguments: [
      ("", "byte 0: expected '{'"), ("{", "byte 1: expected '\"'"), (#"{"format":2}"#, "unknown format"),
      (#"{"format":1}"#, "the case has no task"), (#"{"format":1.5}"#, "expected a whole number"),
      (#"{"hosts":[{"name":"a","memory":-1}]}"#, "from 0 to 2^50"),
      (#"{"vms":[{"name":"v","host":"h"}],"task":{"kind":"evacuate"}}"#, "VM v is on unknown host h"),
      (#"{"hosts":[{"name":"a"},{"name":"a"}],"task":{}}"#, "host a is there twice"),
      (#"{"task":{"mode":"random"}}"#, "'random' is not auto or compact or scatter"),
      (#"{"task":{"cpuRatio":0.5}}"#, "expected a number from 1 to 1000"),
      (#"{"task":{"cpuRatio":1.5.1}}"#, "expected a number from 1 to 1000"),
      (#"{"task":{}} x"#, "text after the end"), (String(repeating: #"{"a":"#, count: 100), "nested too deeply"),
    ])
  func errors(json: String, message: String) {
    #expect { try PlanningCase(json: Array(json.utf8)) } throws: { "\($0)".contains(message) }
  }
}
