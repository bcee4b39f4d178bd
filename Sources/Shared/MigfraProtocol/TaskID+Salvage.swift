import ClusterModel
import YAML

extension TaskID {
  /// How far into a message its id is looked for, bytes.
  private static let searched = 1 << 16

  /// The id of a message that is no YAML as a whole, so that its sender need not wait for an answer in vain: the one
  /// line `id: …` at the left margin, where a block mapping has its keys. Nil where there is doubt.
  static func salvaged(from payload: [UInt8]) -> TaskID? {
    let newline = UInt8(ascii: "\n")
    var lines = payload.prefix(searched).split(separator: newline, omittingEmptySubsequences: false)
    // The last line may be cut off.
    if payload.count > searched { lines.removeLast() }
    let found = lines.indices.filter { lines[$0].starts(with: "id:".utf8) }
    guard found.count == 1, let index = found.first else { return nil }
    // A value may go on in a line that is indented.
    if index + 1 < lines.count, let next = lines[index + 1].first, next == 0x20 || next == 0x09 { return nil }
    guard let root = try? YAML.parse(Array(lines[index])), var reader = try? MappingReader(root),
      let id = try? reader.optional("id", as: TaskID.self), !id.rawValue.isEmpty
    else { return nil }
    return id
  }
}
