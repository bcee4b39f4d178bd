extension String {
  /// The one of `words` that this is most likely a misspelling of; nil if none is close.
  func nearest(in words: [String]) -> String? {
    let own = Array(utf8.prefix(64)).map(folded)
    // One typing error in short words, two or three in longer ones.
    var best = (word: String?.none, distance: max(1, min(3, own.count / 3)) + 1)
    for word in words where word.utf8.count <= 64 {
      let distance = editDistance(own, word.utf8.map(folded))
      if distance < best.distance { best = (word, distance) }
    }
    return best.word
  }
}

/// Case and the choice between `-` and `_` are no differences.
private func folded(_ byte: UInt8) -> UInt8 {
  switch byte {
  case UInt8(ascii: "_"): UInt8(ascii: "-")
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
  default: byte
  }
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var rows = [[Int]](repeating: Array(0...right.count), count: left.count + 1)
  for i in 0..<left.count {
    rows[i + 1][0] = i + 1
    for j in 0..<right.count {
      var cost = min(rows[i][j + 1], rows[i + 1][j]) + 1
      cost = min(cost, rows[i][j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
      rows[i + 1][j + 1] = cost
    }
  }
  return rows[left.count][right.count]
}
