import ClusterModel
import Placement

/// A case as it stands in the file: names are not resolved yet, because they may come before what they name.
struct CaseText {
  struct Host {
    var name = ""
    var numbers = Problem.Host(memory: 0, cpus: 0)
    var rack: String?
    var labels: [String] = []
    var cells: [Problem.Cell] = []
    var closed: String?
  }

  struct VM {
    var name = ""
    var host = ""
    var numbers = Problem.VM(memory: 0, vcpus: 0, host: 0)
    var requires: [String] = []
  }

  struct Group {
    var isByRack = false
    var vms: [String] = []
  }

  struct Task {
    var isRearrangement = false
    var sources: [String] = []
    var destinations: [String] = []
    var mapping: [(vm: String, destination: String)] = []
    var mode = PlacementMode.auto
    var overbooking = false
    var cpuRatio: Double?
    var movesOthers = false
    var overhead = 1
    var storage = 0
    var mayBounce = false
    var maxSuspended = Int.max
  }

  var name = ""
  var hosts: [Host] = []
  var vms: [VM] = []
  var groups: [Group] = []
  var task = Task()

  init(json: [UInt8]) throws(CaseError) {
    var scanner = JSONScanner(json)
    var hasTask = false
    var text = self
    try scanner.object { (scanner, key) throws(CaseError) in
      switch key {
      case "format": guard try scanner.integer() == 1 else { throw scanner.failure("unknown format, expected 1") }
      case "name": text.name = try scanner.string()
      case "hosts":
        try scanner.array { (scanner) throws(CaseError) in text.hosts.append(try Self.host(&scanner)) }
      case "vms":
        try scanner.array { (scanner) throws(CaseError) in text.vms.append(try Self.vm(&scanner)) }
      case "antiAffinity":
        try scanner.array { (scanner) throws(CaseError) in text.groups.append(try Self.group(&scanner)) }
      case "task":
        text.task = try Self.task(&scanner)
        hasTask = true
      default: try scanner.skipValue()
      }
    }
    try scanner.expectEnd()
    guard hasTask else { throw CaseError("the case has no task") }
    self = text
  }

  private static func host(_ scanner: inout JSONScanner) throws(CaseError) -> Host {
    var host = Host()
    try scanner.object { (scanner, key) throws(CaseError) in
      switch key {
      case "name": host.name = try scanner.string()
      case "memory": host.numbers.memory = try scanner.integer(atLeast: 0)
      case "cpus": host.numbers.cpus = try scanner.integer(atLeast: 0)
      case "bandwidth": host.numbers.bandwidth = try scanner.integer(atLeast: 1)
      case "inbound": host.numbers.inbound = try scanner.integer(atLeast: 1)
      case "outbound": host.numbers.outbound = try scanner.integer(atLeast: 1)
      case "rack": host.rack = try scanner.string()
      case "labels": host.labels = try scanner.strings()
      case "closed": host.closed = try scanner.string()
      case "cells":
        try scanner.array { (scanner) throws(CaseError) in
          var cell = Problem.Cell(memory: 0, cpus: 0)
          try scanner.object { (scanner, key) throws(CaseError) in
            switch key {
            case "memory": cell.memory = try scanner.integer(atLeast: 0)
            case "cpus": cell.cpus = try scanner.integer(atLeast: 0)
            default: try scanner.skipValue()
            }
          }
          host.cells.append(cell)
        }
      default: try scanner.skipValue()
      }
    }
    return host
  }

  private static func vm(_ scanner: inout JSONScanner) throws(CaseError) -> VM {
    var vm = VM()
    try scanner.object { (scanner, key) throws(CaseError) in
      switch key {
      case "name": vm.name = try scanner.string()
      case "host": vm.host = try scanner.string()
      case "memory": vm.numbers.memory = try scanner.integer(atLeast: 0)
      case "vcpus": vm.numbers.vcpus = try scanner.integer(atLeast: 0)
      case "dirty": vm.numbers.dirty = try scanner.integer(atLeast: 0)
      case "requires": vm.requires = try scanner.strings()
      case "numa": vm.numbers.isInOneCell = try scanner.bool()
      case "cell": vm.numbers.cell = try scanner.integer(atLeast: 0)
      default: try scanner.skipValue()
      }
    }
    return vm
  }

  private static func group(_ scanner: inout JSONScanner) throws(CaseError) -> Group {
    var group = Group()
    try scanner.object { (scanner, key) throws(CaseError) in
      switch key {
      case "scope": group.isByRack = try word(&scanner, ["host": false, "rack": true])
      case "vms": group.vms = try scanner.strings()
      default: try scanner.skipValue()
      }
    }
    return group
  }

  private static func task(_ scanner: inout JSONScanner) throws(CaseError) -> Task {
    var task = Task()
    try scanner.object { (scanner, key) throws(CaseError) in
      switch key {
      case "kind": task.isRearrangement = try word(&scanner, ["evacuate": false, "rearrange": true])
      case "sources": task.sources = try scanner.strings()
      case "destinations": task.destinations = try scanner.strings()
      case "mode": task.mode = try word(&scanner, ["auto": .auto, "compact": .compact, "scatter": .scatter])
      case "overbooking": task.overbooking = try scanner.bool()
      case "cpuRatio": task.cpuRatio = try scanner.ratio()
      case "movable": task.movesOthers = try word(&scanner, ["task": false, "all": true])
      case "overhead": task.overhead = try scanner.integer(atLeast: 0)
      case "storage": task.storage = try scanner.integer(atLeast: 0)
      case "bounce": task.mayBounce = try scanner.bool()
      case "maxSuspended": task.maxSuspended = try scanner.integer(atLeast: 0)
      case "mapping":
        try scanner.array { (scanner) throws(CaseError) in
          var entry = (vm: "", destination: "")
          try scanner.object { (scanner, key) throws(CaseError) in
            switch key {
            case "vm": entry.vm = try scanner.string()
            case "destination": entry.destination = try scanner.string()
            default: try scanner.skipValue()
            }
          }
          task.mapping.append(entry)
        }
      default: try scanner.skipValue()
      }
    }
    return task
  }

  private static func word<Value>(
    _ scanner: inout JSONScanner, _ words: [String: Value]
  ) throws(CaseError) -> Value {
    let text = try scanner.string()
    guard let value = words[text] else {
      throw scanner.failure("'\(text)' is not \(words.keys.sorted().joined(separator: " or "))")
    }
    return value
  }
}
