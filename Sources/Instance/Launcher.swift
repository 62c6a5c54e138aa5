import Events
import HomeLayout
import Posix
import ReleaseModel

/// The launcher of runs; it also asks them to stop.
public struct Launcher: Sendable {
  /// The paths of reltui's own programs.
  let shim: String
  let agent: String
  let home: Home

  public init(shim: String, agent: String, home: Home) {
    (self.shim, self.agent, self.home) = (shim, agent, home)
  }

  /// Prepares the run's folder and starts its `relshim`. A second call does no harm: its `relshim`
  /// finds the folder locked.
  public func start(_ run: RunSpecification) throws(Cause) -> Child {
    do throws(PosixError) {
      try prepare(run)
      let rights = run.confinement
      let command =
        [shim, "--run", run.folder.path, "--grace", String(grace(run)), "--agent", agent]
        + ["--home", home.root] + (run.group.map { ["--group", $0] } ?? [])
        + (rights?.arguments ?? []) + ["--"] + run.shellCommand
      let complaints = try File.open(run.folder.shimLog, .append)
      let input = try rights.map { _ throws(PosixError) in
        try File.holding(Environment.encode(run.environment))
      }
      let environment =
        rights == nil ? run.environment : ["PATH": Invocation.standardPath, "LANG": "C.UTF-8"]
      return try Child.start(
        Invocation(command, in: "/", environment: environment),
        input: input.map { .file($0) } ?? .null, output: .null, errors: .file(complaints),
        newSession: true)
    } catch { throw Cause(error, as: .startFailed) }
  }

  /// A command that removes the folders of ended runs.
  public func removal(of folders: [String]) -> Invocation {
    Invocation(
      [shim, "--remove"] + folders, in: "/",
      environment: ["PATH": Invocation.standardPath, "LANG": "C.UTF-8"])
  }

  /// The command that starts the parent of the home's router.
  /// - Parameter program: HAProxy.
  public func router(_ program: String) -> Invocation {
    Invocation(
      [shim, "--router", home.router.path, program, agent], in: "/",
      environment: ["PATH": Invocation.standardPath, "LANG": "C.UTF-8"])
  }

  /// The command that orders a certificate again.
  public func renewal(of certificate: String) -> Invocation {
    Invocation(
      [agent, "certs", "renew", certificate, "--home", home.root], in: "/",
      environment: ["PATH": Invocation.standardPath, "LANG": "C.UTF-8", "USER": "agent"])
  }

  /// A command that does for a preview what takes too long for the agent.
  public func previewHelper(_ words: [String]) -> Invocation {
    Invocation(
      [agent, "preview-helper"] + words + ["--home", home.root], in: "/",
      environment: ["PATH": Invocation.standardPath, "LANG": "C.UTF-8", "USER": "agent"])
  }

  /// The grace period in seconds: a config var, or what app.json says of the process type.
  private func grace(_ run: RunSpecification) -> Int {
    let seconds = run.config["RELTUI_STOP_GRACE"].flatMap { Int($0) } ?? run.grace ?? 60
    return min(max(0, seconds), 3600)
  }

  private func prepare(_ run: RunSpecification) throws(PosixError) {
    try run.makeFolders()
    let cookie = try appCookie(of: run.app)
    try Files.replace(run.folder.cookie, with: cookie, mode: 0o400)
    if let arguments = bootArguments(run) {
      if let plain = arguments.plain {
        try Files.replace(run.folder.plainArguments, with: Array(plain.utf8))
      }
      try Files.replace(run.folder.bootArguments, with: Array(arguments.boot.utf8))
    }
    try run.user?.take(run.folder.argumentFiles)
  }

  /// The cookie of the app's nodes, made for the first run.
  private func appCookie(of app: String) throws(PosixError) -> [UInt8] {
    let path = home.app(app).cookie
    _ = try Files.createIfMissing(path, with: Array(Random.hex(20).utf8), mode: 0o400)
    return try Files.read(path, limit: 4096)
  }

  /// The arguments file with which the run's VM tells of its boot; for relx also one without that. Programs that the VM
  /// starts get the variable without it, since another `erl` must not print its boot into what the app reads.
  private func bootArguments(_ run: RunSpecification) -> (boot: String, plain: String?)? {
    guard let variable = run.argumentsVariable else { return nil }
    let own = run.ownArguments
    let head = "-init_debug\n-s erlang display \(BootOutput.mark)\n-env \(variable) "
    if run.otpRelease?.kind == .relx {
      let plain = Self.virtualMachineFlags(
        own: Self.text(own.path, for: run), node: run.run.node ?? "nonode@127.0.0.1")
      return (head + Self.argument(run.folder.plainArguments) + "\n" + plain, plain)
    }
    let more =
      own.isGiven || Files.exists(own.path) ? "-args_file \(Self.argument(own.path))\n" : ""
    return (head + Self.argument(own.path) + "\n" + more, nil)
  }

  /// A word of an arguments file. Source: erl(1), `-args_file`
  private static func argument(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { word, scalar in
      let isPlain =
        scalar.value > 127 || scalar.properties.isAlphabetic
        || "0123456789/._-@".contains(String(scalar))
      word += (isPlain ? "" : "\\") + String(scalar)
    }
  }

  /// The vm.args for a release of relx, which takes the node's name and cookie only from this file.
  /// The run's values replace those of the release.
  /// - Parameter folder: the folder of the release's `lib` and `releases`.
  public static func virtualMachineFlags(
    of release: OTPRelease?, in folder: String, node: String
  ) -> String {
    virtualMachineFlags(
      own: text("\(folder)/releases/\(release?.version ?? "")/vm.args"), node: node)
  }

  private static let argumentsLimit = 1 << 20

  private static func text(_ path: String) -> String {
    String(decoding: (try? Files.read(path, limit: argumentsLimit)) ?? [], as: UTF8.self)
  }

  /// The text of a file that the app names. It is read as the app: a slug may name any file (app.json, `env`), and the
  /// app gets the text.
  private static func text(_ path: String, for run: RunSpecification) -> String {
    guard let confinement = run.confinement else { return text(path) }
    let reading = Invocation(
      ["head", "-c", String(argumentsLimit), "--", path], in: run.tree,
      environment: ["PATH": Invocation.standardPath], as: confinement)
    return (try? reading.run(errors: .null, limit: 1000))?.text ?? ""
  }

  private static func virtualMachineFlags(own: String, node: String) -> String {
    let kept = own.split(separator: "\n").filter { line in
      !["-name", "-sname", "-setcookie"].contains { line.hasPrefix($0) }
    }
    return kept.joined(separator: "\n") + "\n-name \(node)\n-setcookie unused\n"
  }
}
