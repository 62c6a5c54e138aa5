import ErlangDistribution
import Events
import Observation
import Posix

/// A shell that a VM of this host opens in a node. The VM reads the cookie from a HOME made only for it.
struct RemoteShell {
  private let folder: String
  let invocation: Invocation

  init(in node: KnownNode, hasElixir: Bool, tlsFile: String?, path: String) throws(Cause) {
    let access = try node.access.get()
    let address = access.address
    let tlsFile = tlsFile ?? node.found?.tlsFile
    if address.tls != nil, tlsFile == nil {
      throw Cause(
        .nodeTLS, "a shell in \(address.name) needs the node's TLS options",
        remedy: "Name the file of its ssl_dist_optfile: --tls-options FILE")
    }
    folder = "/tmp/reltui-remote-\(Random.hex(16))"
    let user = Self.otherUser(of: node.found)
    var flags = ["-dist_listen", "false", "-start_epmd", "false"]
    if case .port(let port) = address.door { flags += ["-erl_epmd_port", "\(port)"] }
    flags += Self.carrier(address, tlsFile)
    var variables = ["PATH": path, "HOME": folder, "LANG": "C.UTF-8"]
    if case .epmd(let port) = address.door { variables["ERL_EPMD_PORT"] = "\(port)" }
    var words: [String]
    if let script = Self.script(of: node.found, for: user ?? User.id) {
      words = [script, "remote"]
      variables.merge(Self.variables(address, folder, flags)) { $1 }
    } else {
      words = try Self.words(address, hasElixir: hasElixir, flags, path: path)
    }
    if let user {
      words = ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"] + words
    }
    if let process = address.networkOf {
      words = ["nsenter", "--target", "\(process)", "--net", "--"] + words
    }
    invocation = Invocation(words, in: "/", environment: variables)
    try Cause.explaining(prepare(access.cookie, user))
  }

  private func prepare(_ cookie: Cookie, _ user: UInt32?) throws(PosixError) {
    let file = folder + "/.erlang.cookie"
    try Files.makeFolder(folder)
    try cookie.write(newFile: file)
    guard let user else { return }
    for path in [file, folder] { try Files.setOwner(path, user) }
  }

  func remove() { try? Files.remove(folder) }

  /// The node's user, whom root must become: connected nodes can run any code on each other.
  private static func otherUser(of found: FoundNode?) -> UInt32? {
    guard User.isRoot, let pid = found?.pid, let owner = ProcessTable.user(of: pid), owner != 0
    else { return nil }
    return owner
  }

  /// The start script of a mix release; a script of relx would show the cookie among its arguments. It must belong to
  /// root or to the user who runs it.
  private static func script(of found: FoundNode?, for user: UInt32) -> String? {
    guard let found, found.networkOf == nil else { return nil }
    let variables = ProcessTable.environment(of: found.pid)
    func value(_ name: String) -> String? {
      variables.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }
    guard let root = value("RELEASE_ROOT"), let name = value("RELEASE_NAME"), root.hasPrefix("/"),
      !name.contains("/")
    else { return nil }
    let script = "\(root)/bin/\(name)"
    guard Files.isExecutableFile(script), let owner = (try? Files.info(script))??.owner,
      owner == 0 || owner == user
    else { return nil }
    return script
  }

  private static func carrier(_ address: NodeAddress, _ tlsFile: String?) -> [String] {
    guard address.tls != nil, let tlsFile else {
      return address.isIPv6 ? ["-proto_dist", "inet6_tcp"] : []
    }
    let name = address.isIPv6 ? "inet6_tls" : "inet_tls"
    return ["-proto_dist", name, "-ssl_dist_optfile", tlsFile]
  }

  /// Whether the node has a long name. Nodes with long and with short names cannot connect to each other.
  private static func isLong(_ address: NodeAddress) -> Bool {
    address.name.host.contains { $0 == "." || $0 == ":" }
  }

  /// The environment of a mix script. The second `-setcookie` makes the VM read the file in its HOME.
  private static func variables(
    _ address: NodeAddress, _ folder: String, _ flags: [String]
  ) -> [String: String] {
    [
      "RELEASE_NODE": "\(address.name)", "RELEASE_COOKIE": "unused", "RELEASE_TMP": folder,
      "RELEASE_DISTRIBUTION": isLong(address) ? "name" : "sname",
      "ERL_ZFLAGS": (["-setcookie", "x"] + flags).joined(separator: " "),
    ]
  }

  /// The command line of a shell. Erlang's shell gets its name from the node, so it adds no atom there; IEx needs a
  /// name. Source: erl(1), `-name`; iex(1).
  private static func words(
    _ address: NodeAddress, hasElixir: Bool, _ flags: [String], path: String
  ) throws(Cause) -> [String] {
    let target = "\(address.name)"
    let isLong = isLong(address)
    let host = isLong ? (address.isIPv6 ? "@::1" : "@127.0.0.1") : ""
    if hasElixir, isInstalled("iex", path) {
      return [
        "iex", "--hidden", isLong ? "--name" : "--sname", "remote-\(Random.hex(4))\(host)", "--erl",
        flags.joined(separator: " "), "--remsh", target,
      ]
    }
    guard isInstalled("erl", path) else {
      throw Cause(
        .programMissing, "cannot find 'erl' in PATH", remedy: "Install Erlang/OTP on this host.")
    }
    return ["erl", "-hidden", isLong ? "-name" : "-sname", "undefined\(host)"] + flags
      + ["-remsh", target]
  }

  private static func isInstalled(_ program: String, _ path: String) -> Bool {
    let invocation = Invocation([program], environment: ["PATH": path])
    return (try? invocation.program()) != nil
  }
}
