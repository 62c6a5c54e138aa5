import Events
import Posix
import ReleaseModel

/// A check that no link of a slug leads out of it.
///
/// Links are followed as the kernel would follow them, through other links of the slug. As text, `a/b/top/../..` stays
/// inside; if `top` is a link to the slug's root, it does not.
public struct SlugLinks {
  private let entries: [Manifest.Entry]
  private let targets: [String: String]

  /// The most links that the kernel follows for one path. path_resolution(7)
  private static let mostFollowed = 40

  public init(_ manifest: Manifest) { self.init(manifest.files) }

  /// The links of a tree that has no manifest yet.
  public init(in tree: String) throws(PosixError) {
    var links: [Manifest.Entry] = []
    for entry in try FileTree.entries(of: tree) where entry.info.kind == .link {
      let target = try Files.target(ofLink: tree + "/" + entry.path)
      links.append(Manifest.Entry(path: entry.path, kind: .link, target: target))
    }
    self.init(links)
  }

  private init(_ entries: [Manifest.Entry]) {
    self.entries = entries
    let links = entries.filter { $0.kind == .link }
    targets = Dictionary(links.map { ($0.path, $0.target ?? "") }) { first, _ in first }
  }

  /// The most parts of paths that are read for all links together, far above what any slug has.
  private static let mostSteps = 10_000_000

  public func check() throws(Cause) {
    var steps = 0
    for entry in entries where entry.kind == .link { try check(entry, &steps) }
  }

  private func check(_ link: Manifest.Entry, _ steps: inout Int) throws(Cause) {
    guard let target = link.target, !target.isEmpty, !target.utf8.contains(0) else {
      throw Cause(.manifestFormat, "the manifest has no target for '\(link.path)'")
    }
    let isInside = staysInside(link.path, target, &steps)
    if steps > Self.mostSteps {
      throw Cause(.slugContent, "the slug has too many links that lead through others")
    }
    if !isInside {
      throw Cause(
        .slugContent, "the link '\(link.path)' leads out of the slug, to '\(target)'",
        remedy: "Make it relative, or take it out of the release.")
    }
  }

  private func staysInside(_ path: String, _ target: String, _ steps: inout Int) -> Bool {
    if target.hasPrefix("/") { return false }
    var place = path.split(separator: "/").dropLast().map { $0 }
    var waiting = Array(target.split(separator: "/").reversed())
    var followed = 0
    while let part = waiting.popLast() {
      steps += 1 + place.count
      if steps > Self.mostSteps { return false }
      if part == "." { continue }
      if part == ".." {
        if place.isEmpty { return false }
        place.removeLast()
        continue
      }
      place.append(part)
      guard let next = targets[place.joined(separator: "/")] else { continue }
      followed += 1
      if next.hasPrefix("/") || followed > Self.mostFollowed { return false }
      place.removeLast()
      waiting += next.split(separator: "/").reversed()
    }
    return true
  }
}
