import Events
import HomeLayout
import Observation
import Posix

/// Who needs the slugs of a home: ledgers, open requests, and processes that run from one.
struct SlugUse {
  let users: [String: [Board.SlugUser]]
  /// A process by slug: also what runs without a release, as `relctl eval` does.
  let processes: [String: Int32]

  /// - Throws: `RT-LOG-DAMAGED`: a ledger that lacks lines may lack releases.
  init(of home: Home) throws(Cause) {
    let (board, isDamaged) = try LiveBoard.board(of: home, program: "relctl")
    if isDamaged {
      throw Cause(
        .logDamaged, "the event log is damaged, so nobody can tell which slugs are needed",
        remedy: "Repair it first: relctl events repair")
    }
    users = board.slugUsers
    processes = Self.processes(from: home.slugs)
  }

  var used: Set<String> { Set(users.keys).union(processes.keys) }

  /// A run works in its slug's tree and has its program from there.
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

  /// Why a slug cannot go; nil where nobody needs it.
  func reason(_ slug: String) -> Cause? {
    let id = slug.prefix(12)
    if let users = users[slug], let first = users.first {
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
