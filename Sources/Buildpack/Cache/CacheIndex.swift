/// The index of a cache's file: its trees, and the inputs of the build that made them.
struct CacheIndex: Hashable, Sendable {
  /// A tree whose files are in the cache.
  struct Tree: Hashable, Sendable {
    var entries: [Entry] = []
    /// Names of dependencies that are unchanged since they were fetched, so that builds with other tools can use them.
    var untouched: Set<String> = []
    var size: Int { entries.reduce(0) { $0 + $1.size } }
  }

  struct Entry: Hashable, Sendable {
    enum Kind: UInt8, Sendable { case file, folder, link }
    var path: String
    var kind: Kind
    var mode: UInt32 = 0
    var size = 0
    var digest: [UInt8] = []
    /// The target of a link.
    var target = ""
  }

  enum Part: String, CaseIterable, Sendable { case dependencies, build, slug }

  var key: [CacheKey.Part]
  /// The places of the trees relative to the build's root. Links between the trees are right only in these places.
  var layout: String
  var source: [String: [UInt8]]
  /// Digests of the values of variables that files of the source mention.
  var mentioned: [String: [UInt8]]
  /// The same for fetched dependencies.
  var mentionedByDependencies: [String: [UInt8]]
  /// Applications that are not fetched dependencies.
  var own: Set<String>
  var trees: [Part: Tree] = [:]

  var size: Int { Part.allCases.reduce(0) { $0 + (trees[$1]?.size ?? 0) } }
}

extension CacheIndex {
  var bytes: [UInt8] {
    var writer = CacheWriter()
    writer.put(key) {
      $0.put($1.name)
      $0.put($1.value)
    }
    writer.put(layout)
    for values in [source, mentioned, mentionedByDependencies] { writer.put(values) }
    writer.put(own.sorted()) { $0.put($1) }
    writer.put(Part.allCases.filter { trees[$0] != nil }) {
      $0.put($1.rawValue)
      $0.put(trees[$1]?.entries ?? []) { $0.put($1) }
      $0.put((trees[$1]?.untouched ?? []).sorted()) { $0.put($1) }
    }
    return writer.bytes
  }

  init(_ bytes: [UInt8]) throws(CacheFault) {
    var reader = CacheReader(bytes)
    key = try reader.list { reader throws(CacheFault) in
      CacheKey.Part(name: try reader.text(), value: try reader.text())
    }
    layout = try reader.text()
    source = try reader.values()
    mentioned = try reader.values()
    mentionedByDependencies = try reader.values()
    own = Set(try reader.list { reader throws(CacheFault) in try reader.text() })
    let trees = try reader.list { reader throws(CacheFault) in
      guard let part = Part(rawValue: try reader.text()) else { throw .damaged("its index") }
      let entries = try reader.list { reader throws(CacheFault) in try reader.entry() }
      let untouched = try reader.list { reader throws(CacheFault) in try reader.text() }
      return (part, Tree(entries: entries, untouched: Set(untouched)))
    }
    try reader.end()
    for (part, tree) in trees {
      if self.trees.updateValue(tree, forKey: part) != nil { throw .damaged("its index") }
      try Self.check(part, tree)
    }
  }

  /// Checks that every entry is a plain path, occurs once, and comes after its folder, so that no entry is below a link.
  private static func check(_ part: Part, _ tree: Tree) throws(CacheFault) {
    var seen: Set<String> = []
    var folders: Set<String> = [""]
    for entry in tree.entries {
      let above = entry.path.lastIndex(of: "/").map { String(entry.path[..<$0]) } ?? ""
      guard CachePath.isPlain(entry.path), folders.contains(above),
        seen.insert(entry.path).inserted
      else { throw .damaged("a name in its \(part)") }
      if entry.kind == .folder { folders.insert(entry.path) }
    }
  }
}
