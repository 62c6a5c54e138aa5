import Posix

/// What a cache's file holds, and what it was made of.
struct CacheIndex: Hashable, Sendable {
  /// A tree whose files are in the cache.
  struct Tree: Hashable, Sendable {
    var entries: [Entry] = []
    /// Dependencies in which nothing was made or changed since they were fetched: of any use to other tools.
    var untouched: Set<String> = []
    /// Bytes of all files.
    var size: Int { entries.reduce(0) { $0 + $1.size } }
  }

  struct Entry: Hashable, Sendable {
    enum Kind: UInt8, Sendable { case file, folder, link }
    var path: String
    var kind: Kind
    var mode: UInt32 = 0
    var size = 0
    var digest: [UInt8] = []
    /// A link's.
    var target = ""
  }

  enum Part: String, CaseIterable, Sendable { case dependencies, build, slug }

  var key: [CacheKey.Part]
  /// Where the trees lay, as seen from the source: links among them hold only there.
  var layout: String
  var source: [String: [UInt8]]
  /// Digests of the values of what files of the source mention.
  var mentioned: [String: [UInt8]]
  /// The same for fetched dependencies.
  var mentionedByDependencies: [String: [UInt8]]
  /// Applications that are no fetched dependencies.
  var own: Set<String>
  var trees: [Part: Tree] = [:]

  /// Bytes of all files, in the order of the parts.
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

  /// - Throws: where the bytes are not those of an index, or name what no index of ours would.
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

  /// Every entry is a plain path, once, in a folder that comes before it: nothing is beneath a link or a file.
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
