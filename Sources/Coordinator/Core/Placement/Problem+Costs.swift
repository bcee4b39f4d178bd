/// How long operations take.
extension Problem {
  /// Bytes per second of one migration: a slot's share of the narrower of both links, whatever else runs.
  @inline(__always)
  func rate(from source: Int, to destination: Int) -> Double {
    let source = hosts[source]
    let destination = hosts[destination]
    return min(
      Double(source.bandwidth) / Double(source.outbound), Double(destination.bandwidth) / Double(destination.inbound))
  }

  /// Microseconds of a migration; memory that is written meanwhile is sent again.
  @inline(__always)
  func migrationTime(of vm: Int, from source: Int, to destination: Int) -> Int {
    let rate = rate(from: source, to: destination)
    let resent = min(0.8, Double(vms[vm].dirty) / rate)
    let seconds = overhead + Double(vms[vm].memory) * 1024 / (1 - resent) / rate
    return Int((seconds * 1e6).rounded(.up))
  }

  /// Microseconds of saving to storage, or of restoring from it.
  func storageTime(of vm: Int) -> Int {
    let seconds = overhead + Double(vms[vm].memory) * 1024 / Double(max(1, storage))
    return Int((seconds * 1e6).rounded(.up))
  }
}
