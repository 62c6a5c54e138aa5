import Events
import PlainText
import Posix
import ReleaseModel

/// A commit of a git repository, as the source of a build.
///
/// git runs as the build's own user. It takes nothing from the repository but files: no hooks, submodules, or programs that
/// a URL or a configuration names.
public struct GitSource: Sendable {
  public let url: String
  public let ref: String

  /// - Parameter isFork: whether the operator has said that it is code of a fork.
  public init(url: String, ref: String, isFork: Bool) throws(Cause) {
    func refused(_ why: String, _ remedy: String) -> Cause {
      Cause(.git, "cannot build from '\(Printable.clean(url))': \(why)", remedy: remedy)
    }
    let isText = url.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    if url.isEmpty || url.hasPrefix("-") || url.contains("::") || !isText {
      throw refused(
        "it is no address that git may use here",
        "Write an address with https, ssh or file, or the path of a repository.")
    }
    if let scheme = url.firstRange(of: "://").map({ url[..<$0.lowerBound].lowercased() }),
      !Self.schemes.contains(scheme)
    {
      throw refused("'\(scheme)' is not allowed", "Use \(Self.schemes.joined(separator: ", ")).")
    }
    if Self.hasPassword(url) {
      throw Cause(
        .git, "the address holds a password, which every user of this host could read",
        remedy: "Check the commit out in CI, and give the folder.")
    }
    let isRef =
      (1...200).contains(ref.utf8.count) && !ref.hasPrefix("-") && !ref.contains("..")
      && ref.utf8.allSatisfy { $0 > 32 && $0 < 127 && !"~^:?*[\\".utf8.contains($0) }
    if !isRef {
      throw refused(
        "'\(Printable.clean(ref))' is no branch, tag or commit", "Write it as in: --ref main")
    }
    if !isFork, Self.requests.contains(where: { ref.hasPrefix($0) || ref.hasPrefix("refs/" + $0) })
    {
      throw Cause(
        .previewFork, "'\(ref)' may be code of a fork",
        remedy: "Name the branch of the project itself; or say --fork, and it gets no secret.")
    }
    (self.url, self.ref) = (url, ref)
  }

  /// Where forges keep what others propose: GitHub, GitLab, Bitbucket, Gerrit.
  private static let requests = ["pull/", "merge-requests/", "pull-requests/", "changes/"]

  private static let schemes = ["https", "http", "ssh", "git", "file"]

  private static func hasPassword(_ url: String) -> Bool {
    guard let start = url.firstRange(of: "://")?.upperBound else { return false }
    let authority = url[start...].prefix { $0 != "/" }
    return authority.lastIndex(of: "@").map { authority[..<$0].contains(":") } == true
  }

  /// Milliseconds that a fetch may take.
  private static let limit: Int64 = 300_000

  /// What git is told in place of every configuration of the host or a user.
  private static let configuration = """
    [safe]
      directory = *
    [core]
      hooksPath = /dev/null
    [init]
      templateDir =
      defaultBranch = main
    [fetch]
      recurseSubmodules = false
    [gc]
      auto = 0

    """

  struct Commit {
    var id: String
    var line: String?
  }

  /// Puts the files of the commit into `folder/app`.
  /// - Parameters:
  ///   - folder: one that belongs to the build's user.
  ///   - words: the words in front of a command that run it as the build's user.
  ///   - own: gives a folder to the build's user.
  func fetch(
    into folder: String, as words: [String], _ variables: [String: String],
    own: (String) throws(Cause) -> Void
  ) throws(Cause) -> Commit {
    let (repository, tree) = (folder + "/git", folder + "/app")
    try Cause.explaining(
      File.open(folder + "/gitconfig", .create, mode: 0o644).write(Self.configuration))
    var environment = variables.filter { Self.passed.contains($0.key) }
    environment["PATH"] = environment["PATH"] ?? Invocation.standardPath
    environment["HOME"] = folder + "/home"
    environment["GIT_CONFIG_GLOBAL"] = folder + "/gitconfig"
    environment["GIT_CONFIG_NOSYSTEM"] = "1"
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["GIT_ALLOW_PROTOCOL"] = Self.schemes.joined(separator: ":")
    environment["LC_ALL"] = "C.UTF-8"
    func git(_ arguments: [String]) throws(Cause) -> String {
      let result: Invocation.Result
      do throws(PosixError) {
        result = try Invocation(words + ["git"] + arguments, in: folder, environment: environment)
          .run(limit: Self.limit)
      } catch { throw Cause(error, as: .git) }
      if result.isSuccess { return result.text }
      throw failure(result)
    }
    _ = try git(["init", "--quiet", "--bare", repository])
    try fetch { words throws(Cause) in try git(["--git-dir", repository] + words) }
    try Cause.explaining(Files.makeFolder(tree))
    try own(tree)
    _ = try git([
      "--git-dir", repository, "--work-tree", tree, "checkout", "--quiet", "--force", "--detach",
      Self.wanted,
    ])
    let said = try git(["--git-dir", repository, "log", "-1", "--format=%H%n%s", Self.wanted])
    let lines = said.split(separator: "\n").map(String.init)
    return Commit(id: lines.first ?? "", line: lines.dropFirst().first)
  }

  /// The name of the commit in the repository of the build. It is no branch, so that a tag can have it.
  private static let wanted = "refs/reltui/wanted"

  /// One commit is enough; a server that does not give a commit by its name is asked for all branches.
  private func fetch(_ git: ([String]) throws(Cause) -> String) throws(Cause) {
    let quietly = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"]
    do throws(Cause) {
      _ = try git(quietly + ["--depth=1", "--", url, "+\(ref):\(Self.wanted)"])
    } catch {
      guard ref.utf8.count >= 7, ref.allSatisfy(\.isHexDigit) else { throw error }
      _ = try git(quietly + ["--", url, "+refs/heads/*:refs/remotes/all/*"])
      _ = try git(["update-ref", Self.wanted, ref + "^0"])
    }
  }

  private static let passed: Set<String> = [
    "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "SSH_AUTH_SOCK", "GIT_SSH_COMMAND",
  ]

  private func failure(_ result: Invocation.Result) -> Cause {
    let lines = result.text.split(separator: "\n").map { Printable.clean(String($0)) }
    let said = lines.first { $0.hasPrefix("fatal: ") }?.dropFirst(7) ?? lines.last?[...] ?? ""
    return Cause(
      .git,
      "git cannot fetch '\(ref)' of '\(url)': \(said.isEmpty ? "\(result.exit)" : String(said))",
      remedy:
        "Check the address and the name; a repository on this host must be readable by the build's user."
    )
  }
}

extension Provenance {
  /// The same with a commit, if one is known.
  func with(_ commit: GitSource.Commit?) -> Provenance {
    var known = self
    if let commit { (known.commit, known.line) = (commit.id, commit.line) }
    return known
  }
}
