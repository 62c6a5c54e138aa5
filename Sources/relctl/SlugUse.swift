import Events
import HomeLayout
import Observation
import Posix

/// The uses of a home's slugs: by ledgers, by open requests, and by processes that run from a slug.
struct SlugUse {
  let users: [String: [Board.SlugUser]]
  /// A process for each slug in use, also one without a release, such as that of `relctl eval`.
  let processes: [String: Int32]

  /// - Throws: `RT-LOG-DAMAGED`, since a damaged log may lack releases.
  init(of home: Home) throws(Cause) {
    let (board, isDamaged) = try LiveBoard.board(of: home, program: "relctl")
    if isDamaged {
      throw Cause(
        .logDamaged, "the event log is damaged, so relctl cannot tell which slugs are needed",
        remedy: "Repair it first: relctl events repair")
    }
    users = board.slugUsers
    processes = Self.processes(from: home.slugs)
  }

  var used: Set<String> { Set(users.keys).union(processes.keys) }

  /// The processes whose working folder or program is in a slug's tree.
  private static func processes(from slugs: String) -> [String: Int32] {
    let root = ((try? Files.resolve(slugs)) ?? slugs) + "/"
    var found: [String: Int32] = [:]
    for pid in ProcessTable.pids() {
      for name in ["cwd", "exe"] {
        guard let path = try? Files.target(ofLink: "/proc/\(pid)/\(name)"), path.hasPrefix(root)
        else { continue }
        found[String(path.dropFirst(root.count).prefix { $0 != "/" })] = pid
      }
    }
    return found
  }

  /// Why a slug cannot be removed; nil if it is unused.
  /// - Parameter app: an app whose own use does not count.
  func reason(_ slug: String, besides app: String? = nil) -> Cause? {
    let id = slug.prefix(12)
    let users = (users[slug] ?? []).filter { $0.app != app }
    if let first = users.first {
      let more = users.count > 1 ? " and \(users.count - 1) more" : ""
      let who = first.release.map { "\($0) of '\(first.app)'" } ?? "a request for '\(first.app)'"
      return Cause(
        .slugUsed, "slug \(id) is needed by \(who)\(more)",
        remedy: "Every release in a ledger can be brought back, and needs its slug.")
    }
    return processes[slug].map {
      Cause(.slugUsed, "slug \(id) is in use by the process \($0)", remedy: "Stop that first.")
    }
  }
}
