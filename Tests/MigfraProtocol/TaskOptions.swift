import Testing

/// Options that a task may have or not, with everything around their values.
enum TaskOptions {
  struct Option: Sendable, CustomTestStringConvertible {
    var name: String
    var before: String
    var after: String
    var value: String

    var testDescription: String { "\(name): \(value)" }
  }

  static let all: [Option] = [
    start("pci-ids", "[{vendor: 0x15b3, device: 0x1004}]"), start("devs", "[{pci-addr: '0000:04:00.0'}]"),
    start("vcpu-map", "[[0], [1]]"), start("memnode-map", "[[0]]"), start("ivshmem", "{id: a, size: 16}"),
    start("driver", "qemu"), stop("driver", "qemu"), resume("driver", "'test:///default#'"),
    migrate("rdma-migration", "true"), migrate("pscom-hook-procs", "4"), migrate("pscom-hook-procs", "auto"),
    migrate("transport", "tcp"), migrate("driver", "qemu"), migrate("swap-with", "b"),
    migrate("swap-with", "{vm-name: b, pscom-hook-procs: auto}"), top("transport", "tcp"),
    top("driver", "'qemu+ext:///system?command=/bin/true#'"), evacuate("rdma-migration", "yes"),
    evacuate("pscom-hook-procs", "1"), evacuate("transport", "tls"), evacuate("driver", "qemu"),
  ]

  private static func start(_ name: String, _ value: String) -> Option {
    Option(
      name: name, before: "{task: start vm, vm-configurations: [{vm-name: a, \(name): ", after: "}]}", value: value)
  }
  private static func stop(_ name: String, _ value: String) -> Option {
    Option(name: name, before: "{task: stop vm, list: [{vm-name: a, \(name): ", after: "}]}", value: value)
  }
  private static func resume(_ name: String, _ value: String) -> Option {
    Option(name: name, before: "{task: resume vm, list: [{vm-name: a, \(name): ", after: "}]}", value: value)
  }
  private static func migrate(_ name: String, _ value: String) -> Option {
    Option(
      name: name, before: "{task: migrate vm, vm-name: a, destination: b, parameter: {\(name): ", after: "}}",
      value: value)
  }
  private static func top(_ name: String, _ value: String) -> Option {
    Option(name: name, before: "{task: migrate vm, vm-name: a, destination: b, \(name): ", after: "}", value: value)
  }
  private static func evacuate(_ name: String, _ value: String) -> Option {
    Option(name: name, before: "{task: evacuate node, parameter: {\(name): ", after: "}}", value: value)
  }
}
