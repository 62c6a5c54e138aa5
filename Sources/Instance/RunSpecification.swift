import Events
import HomeLayout
import Posix
import ReleaseModel

/// Everything that decides how a run is started.
public struct RunSpecification: Sendable {
  public var app: String
  public var run: Board.Run
  public var folder: RunFolder
  /// The slug's tree.
  public var tree: String
  public var otpRelease: OTPRelease?
  /// The process type's command, for a shell.
  public var command: String
  public var config: [String: String]
  public var epmdPort: UInt16
  /// Seconds between SIGTERM and SIGKILL, as app.json says.
  public var grace: Int?
  /// The app's own user; nil if everything runs as this one.
  public var user: AppUser?
  /// The folder of the run's control group; nil if it has none.
  public var group: String?
  /// That of the programs beside the run. They have a group of their own, so that they do not take the run's memory.
  public var clientGroup: String?

  public init(
    app: String, run: Board.Run, folder: RunFolder, tree: String, otpRelease: OTPRelease?,
    command: String, config: [String: String], epmdPort: UInt16, user: AppUser? = nil
  ) {
    (self.app, self.run, self.folder, self.tree) = (app, run, folder, tree)
    (self.otpRelease, self.command, self.config) = (otpRelease, command, config)
    (self.epmdPort, self.user) = (epmdPort, user)
  }

  /// The rights of the run's programs.
  var confinement: Confinement? { user?.confinement(in: folder, tree: tree) }

  /// The cookie of the app's nodes. That in the run's HOME belongs to the app, which may put a link there.
  var cookieFile: String { user?.home.app(app).cookie ?? folder.cookie }

  /// A program beside the run, in the slug's tree: with the run's rights, and without the flags of a serving node.
  public func client(_ words: [String], _ variables: [String: String] = [:]) -> Invocation {
    let isPlain = !Files.exists(tree + "/.profile.d")
    return Invocation(
      (isPlain ? [] : ["/bin/sh", "-c", Self.entrance + "exec \"$@\"", tree]) + words, in: tree,
      environment: clientEnvironment.merging(variables) { $1 }, as: confinement,
      inGroup: clientGroup)
  }

  /// Shell code that goes to the tree `$0` and reads its `.profile.d`, as platforms do before they run a command.
  private static let entrance = """
    cd "$0" || exit; for reltui_file in .profile.d/*.sh; do \
    [ ! -r "$reltui_file" ] || . "./$reltui_file"; done; unset reltui_file; 
    """

  /// The whole environment of the run; no variable of reltui's own environment is passed on.
  ///
  /// A second `-setcookie` makes the VM read `$HOME/.erlang.cookie`, so that `ps` never shows the
  /// cookie. OTP 25 to 28 behave so, without documenting it.
  public var environment: [String: String] {
    var variables = config
    variables["PATH"] = "\(tree)/bin:\(Invocation.standardPath)"
    variables["HOME"] = folder.home
    variables["LANG"] = config["LANG"] ?? "C.UTF-8"
    variables["PORT"] = run.port.map { String($0) }
    variables["RELEASE_NODE"] = run.node
    variables["RELEASE_DISTRIBUTION"] = "name"
    variables["RELEASE_COOKIE"] = "unused"
    variables["RELEASE_TMP"] = folder.temporary
    variables["ERL_EPMD_PORT"] = String(epmdPort)
    variables["ERL_EPMD_ADDRESS"] = "127.0.0.1"
    variables["ERL_CRASH_DUMP"] = folder.crashDump
    variables["ERL_CRASH_DUMP_BYTES"] = config["ERL_CRASH_DUMP_BYTES"] ?? "10000000"
    variables["ERL_ZFLAGS"] = lastFlags(
      "-setcookie x -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}")
    if let name = argumentsVariable { variables[name] = folder.bootArguments }
    variables["RELTUI_APP"] = app
    variables["DYNO"] = run.instance.description
    variables["RELTUI_INSTANCE"] = run.instance.description
    variables["RELTUI_RELEASE"] = run.release.description
    variables["RELTUI_RUN"] = String(run.id)
    return variables
  }

  /// The environment of a command beside the run: without the flags of a serving node.
  public var clientEnvironment: [String: String] {
    var variables = environment
    variables["ERL_ZFLAGS"] = lastFlags("-setcookie x -start_epmd false")
    if let name = argumentsVariable { variables[name] = plainArguments }
    return variables
  }

  /// The app's own flags come first, so that ours win.
  private func lastFlags(_ ours: String) -> String {
    [config["ERL_ZFLAGS"], ours].compactMap { $0 }.joined(separator: " ")
  }

  /// The variable from which the release's start script takes the path of the VM's arguments file.
  var argumentsVariable: String? {
    otpRelease.map { $0.kind == .relx ? "VMARGS_PATH" : "RELEASE_VM_ARGS" }
  }

  /// The arguments file that `argumentsVariable` names for other VMs than the serving one; nil for the release's own.
  private var plainArguments: String? {
    otpRelease?.kind == .relx ? folder.plainArguments : config["RELEASE_VM_ARGS"]
  }

  /// The arguments file of the app, as a config var names it, or of the release.
  var ownArguments: (path: String, isGiven: Bool) {
    if let given = argumentsVariable.flatMap({ config[$0] }), !given.isEmpty {
      return (given.hasPrefix("/") ? given : tree + "/" + given, true)
    }
    return ("\(releaseFolder)/releases/\(otpRelease?.version ?? "")/vm.args", false)
  }

  /// A shell in the run's node, without a cookie among its arguments. A mix release has a command
  /// for it; the one of relx does not read the cookie from a file.
  public var remoteShell: Invocation {
    guard let otp = otpRelease, otp.kind == .relx else {
      return client([startProgram, "remote"])
    }
    return client(
      [
        runtimeFolder + "/bin/erlexec", "-boot",
        "\(releaseFolder)/releases/\(otp.version)/start_clean",
        "-boot_var", "RELTOOL_EXT_LIB", releaseFolder + "/lib", "-hidden", "-name",
        "remote-\(Random.hex(4))@127.0.0.1", "-setcookie", "x", "-remsh", run.node ?? "",
      ], ["ROOTDIR": releaseFolder, "BINDIR": runtimeFolder + "/bin", "EMU": "beam"])
  }

  /// The path of the OTP release's start command.
  public var startProgram: String { tree + "/" + (otpRelease?.startCommand ?? "bin/start") }

  /// The folder of the OTP release's `lib` and `releases`.
  var releaseFolder: String { otpRelease?.folder.map { "\(tree)/\($0)" } ?? tree }

  private var runtimeFolder: String { "\(releaseFolder)/erts-\(otpRelease?.ertsVersion ?? "")" }

  /// The command as a shell runs it in the slug's tree. A plain command replaces the shell and
  /// becomes the run's own process.
  public var shellCommand: [String] { Self.shellCommand(command, in: tree) }

  /// The same for any command and tree.
  public static func shellCommand(_ command: String, in tree: String) -> [String] {
    ["/bin/sh", "-c", entrance + (isPlain(command) ? "exec " : "") + command, tree]
  }

  /// Whether the command is one program with arguments: no list or pipe, no assignment before it,
  /// and no word of the shell.
  public static func isPlain(_ command: String) -> Bool {
    guard !command.contains(where: { ";&|<>()`\n".contains($0) }),
      let first = command.split(whereSeparator: { " \t".contains($0) }).first,
      !shellWords.contains(String(first))
    else { return false }
    return first.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        || "_-./+$\"{}".utf8.contains($0)
    } && !first.hasPrefix("{")
  }

  /// Words that `exec` would take for a program (POSIX, Shell Command Language, 2.14 and 2.4).
  private static let shellWords: Set<String> = [
    ".", ":", "!", "break", "case", "cd", "command", "continue", "eval", "exec", "exit", "export",
    "for", "if", "readonly", "return", "set", "shift", "times", "trap", "ulimit", "umask", "unset",
    "until", "wait", "while",
  ]
}
