import Glibc

/// A port of 127.0.0.1 at which nothing answers: a listener whose queue is full, and which accepts nobody.
struct BlackHole: Sendable {
  private let listener: LoopbackSocket
  private let visitors: [Int32]

  init() throws {
    listener = try LoopbackSocket()
    try listener.listen(backlog: 0)
    visitors = (0..<4).map { [listener] _ in listener.beginVisit() }
  }

  var port: Int { listener.port }

  func close() {
    for descriptor in visitors + [listener.descriptor] { Glibc.close(descriptor) }
  }
}
