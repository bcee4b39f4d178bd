import YAML

extension YAMLNode {
  /// A tree that differs from another in one place.
  struct Variant: Sendable, CustomStringConvertible {
    /// As our readers write it: `list[0].vm-name`; empty at the root.
    var path: String
    var tree: YAMLNode

    var description: String { String(decoding: YAML.emit(tree), as: UTF8.self) }
  }

  /// What a sender may put in place of something else.
  static let oddValues: [YAMLNode] = [
    .null, true, false, 0, -1, 7, 2_000_000, .real(1.5, decimals: 1), "", "word", "a/b", .sequence([]), .mapping([]),
    .sequence([.sequence([])]), .sequence([.sequence([1])]), .sequence(["word"]), .sequence([.mapping([])]),
    .mapping([("vm-name", "a")]), .string(String(repeating: "v", count: 2000)),
  ]

  /// Every tree in which one node is replaced by an odd value.
  var oddVariants: [(variant: Variant, value: YAMLNode)] {
    Self.oddValues.flatMap { value in
      variants { $0 == value ? [] : [value] }.map { ($0, value) }
    }
  }

  /// Every tree that comes of replacing one node by one of what `replace` makes of it.
  func variants(_ path: String = "", replacing replace: (YAMLNode) -> [YAMLNode]) -> [Variant] {
    var variants = replace(self).map { Variant(path: path, tree: $0) }
    switch kind {
    case .scalar: break
    case .sequence(let items, let flow):
      for (index, item) in items.enumerated() {
        variants += item.variants("\(path)[\(index)]", replacing: replace).map { inner in
          var changed = items
          changed[index] = inner.tree
          return Variant(path: inner.path, tree: YAMLNode(.sequence(changed, flow: flow)))
        }
      }
    case .mapping(let mapping):
      for (index, entry) in mapping.entries.enumerated() {
        let place = path.isEmpty ? entry.key : "\(path).\(entry.key)"
        variants += entry.value.variants(place, replacing: replace).map { inner in
          var changed = mapping
          changed.entries[index].value = inner.tree
          return Variant(path: inner.path, tree: YAMLNode(.mapping(changed)))
        }
      }
    }
    return variants
  }

  /// Every tree in which one mapping has a key more.
  func adding(_ key: String, _ value: YAMLNode) -> [Variant] {
    variants { node in
      guard case .mapping(var mapping) = node.kind, mapping[key] == nil else { return [] }
      mapping.entries.append(YAMLMapping.Entry(key: key, value: value))
      return [YAMLNode(.mapping(mapping))]
    }.map { Variant(path: $0.path.isEmpty ? key : "\($0.path).\(key)", tree: $0.tree) }
  }

  /// Every tree in which one mapping has a key less.
  var removingKeys: [Variant] {
    variants { node in
      guard case .mapping(let mapping) = node.kind else { return [] }
      return mapping.entries.indices.map { index in
        var shorter = mapping
        shorter.entries.remove(at: index)
        return YAMLNode(.mapping(shorter))
      }
    }
  }

  /// Every tree in which one list has many copies of its first item.
  var repeatingItems: [Variant] {
    variants { node in
      guard case .sequence(let items, let flow) = node.kind, let first = items.first else { return [] }
      return [YAMLNode(.sequence(Array(repeating: first, count: 65), flow: flow))]
    }
  }

  /// The paths of all keys in it.
  var keyPaths: Set<String> {
    Set(variants { [$0] }.map(\.path).filter { !$0.isEmpty && !$0.hasSuffix("]") })
  }
}
