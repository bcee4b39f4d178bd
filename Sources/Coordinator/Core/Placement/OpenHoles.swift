/// What is still open while bins are filled exactly.
struct OpenHoles {
  /// The binary logarithm of how many ways there may be to place what has no place in what is free, if sums of items
  /// were random: a guide to which beginning is worth an end. Not a number to rely on; below zero there is hardly any.
  let freedom: Double

  init(_ ledger: Ledger) {
    var count = 0
    var needed = 0.0
    var squares = 0.0
    for item in 0..<ledger.itemCount where ledger.bin[item] < 0 {
      let size = Double(ledger.memoryOf[item])
      count += 1
      needed += size
      squares += size * size
    }
    var holes: [Double] = []
    for bin in 0..<ledger.binCount where ledger.isOpen[bin] && ledger.freeMemory(bin) > 0 {
      holes.append(Double(ledger.freeMemory(bin)))
    }
    holes.sort()
    let free = holes.reduce(0, +)
    guard count > 0, holes.count > 1, free >= needed else {
      freedom = 0
      return
    }
    var ways = 0.0
    for (number, hole) in holes.enumerated() {
      // Each item goes to each hole as often as the hole is large: the entropy of that ...
      let part = hole / free
      ways -= Double(count) * part * Self.logarithm(part)
      // ... and the odds that what comes together in a hole misses its size by no more than there is to waste. The last
      // hole gets what remains.
      guard number < holes.count - 1 else { break }
      ways -= 0.5 * Self.logarithm(2 * .pi * squares * part * (1 - part))
      ways += Self.logarithm(max(1, free - needed)) - Self.logarithm(Double(number + 1))
    }
    freedom = ways
  }

  /// By straight lines between powers of two, and so the same on every machine.
  private static func logarithm(_ value: Double) -> Double { Double(value.exponent) + value.significand - 1 }
}
