/// The rights of a program that root starts as another user: no group but the user's own, no capability and no way to
/// new privileges, umask 077, and 65,536 open files. capabilities(7), `PR_SET_NO_NEW_PRIVS` in prctl(2)
public struct Confinement: Hashable, Sendable {
  public var user: UInt32
  /// What it sees of one folder; nil if it sees what is there. It needs a mount namespace. mount_namespaces(7)
  public var view: View?

  public init(user: UInt32, view: View? = nil) { (self.user, self.view) = (user, view) }

  /// A folder that is empty except for these paths in it. No name of a path is a link.
  public struct View: Hashable, Sendable {
    public var hidden: String
    public var writable: [String]
    /// The first one is shown at `alias`, too.
    public var readable: [String]

    /// Where a platform unpacks a slug. The folder is used if the host has one.
    static let alias = "/app"

    public init(hidden: String, writable: [String], readable: [String]) {
      (self.hidden, self.writable, self.readable) = (hidden, writable, readable)
    }

    var hasAlias: Bool { !(hidden + "/").hasPrefix(Self.alias + "/") }
  }

  /// Whether a program can be started with a view of its own here. It is tried once.
  public static let canNarrowView: Bool = {
    if !User.isRoot { return false }
    let view = View(hidden: "/proc", writable: [], readable: [])
    let trial = Invocation(
      ["true"], in: "/", environment: ["PATH": Invocation.standardPath],
      as: Confinement(user: User.id, view: view))
    return (try? trial.run(limit: 10_000))?.isSuccess == true
  }()
}

// MARK: - As arguments of a program

extension Confinement {
  /// The options that `arguments` consists of; each has a value.
  public static let options: Set<String> = ["--user", "--hide", "--show", "--show-only"]

  /// The options that hand it to another program of ours.
  public var arguments: [String] {
    guard let view else { return ["--user", String(user)] }
    return ["--user", String(user), "--hide", view.hidden]
      + view.writable.flatMap { ["--show", $0] } + view.readable.flatMap { ["--show-only", $0] }
  }

  /// - Returns: nil if the options name no user.
  public init?(_ options: [(name: String, value: String)]) {
    func values(_ name: String) -> [String] { options.filter { $0.name == name }.map(\.value) }
    guard let user = values("--user").first.flatMap({ UInt32($0) }) else { return nil }
    self.init(user: user)
    if let hidden = values("--hide").first {
      view = View(
        hidden: hidden, writable: values("--show"), readable: values("--show-only"))
    }
  }
}
