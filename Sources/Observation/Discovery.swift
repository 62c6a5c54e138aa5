import ErlangDistribution
import HomeLayout
import Posix

/// A search for BEAMs among the processes of this host.
///
/// - A process is one if its program is called `beam.smp`, `beam` or the like. Only the name of other programs is read.
/// - Its command line, which every user may read, has its name, cookie, release and kind of distribution.
/// - Its port is the one that epmd in its network namespace reports or, without epmd, the one of its only listening
///   socket. That socket, the cookie file and the files of a container can be read only by its user and by root.
/// - The cookie file is read as the process sees it, and only if it belongs to the user of the process. Otherwise a
///   user could make this program send another user's cookie to the first user's node.
///
/// The cause in a `FoundNode` says what is unknown. Source: proc(5), namespaces(7).
public struct Discovery: Sendable {
  /// Our own namespaces.
  private let network: String?
  private let hostSpace: String?
  private let booted = ProcessTable.bootMoment()
  /// The answers of port mappers in this search.
  private var answers: [Question: Result<[EPMD.Node], PosixError>] = [:]
  private var tables: [String: [Listener]?] = [:]

  private struct Question: Hashable {
    var network: String
    var port: UInt16
  }

  /// Milliseconds that an epmd may take: it answers at once, or it hangs.
  private static let patience: Int64 = 200

  private init() {
    network = Self.namespace("net", of: Program.processID)
    hostSpace = Self.namespace("uts", of: Program.processID)
  }

  /// All BEAMs that run now, by process number; runs of a home are among them.
  public static func search() -> [FoundNode] {
    var discovery = Discovery()
    return ProcessTable.pids().filter(isBeam).sorted().compactMap { discovery.look($0) }
  }

  private static func isBeam(_ pid: Int32) -> Bool {
    let name = ProcessTable.name(of: pid)
    return name == "beam" || name.hasPrefix("beam.")
  }

  private mutating func look(_ pid: Int32) -> FoundNode? {
    guard let process = ProcessIdentity(of: pid), let owner = ProcessTable.user(of: pid) else {
      return nil
    }
    let words = ProcessTable.words(of: pid)
    // A zombie has no command line.
    if words.isEmpty { return nil }
    var facts = BeamFacts(process: process, arguments: BeamArguments(words))
    facts.owner = owner
    facts.user = User.name(of: owner) ?? String(owner)
    facts.started = Timestamp(milliseconds: booted + process.sinceBoot)
    let groups = try? Files.read("/proc/\(pid)/cgroup", limit: 65_536)
    facts.controlGroups = String(decoding: groups ?? [], as: UTF8.self)
    readInside(&facts)
    ask(&facts)
    // Meanwhile another process may have got its number.
    return process.isAlive ? FoundNode(facts) : nil
  }

  /// Reads what only the process's user and root may read.
  private func readInside(_ facts: inout BeamFacts) {
    let pid = facts.process.pid
    let its = Self.namespace("net", of: pid)
    facts.isReadable = its != nil
    facts.networkOf = its == nil || its == network ? nil : pid
    (facts.hostName, facts.domain) = hostNames(of: pid)
    if !facts.isReadable { return }
    facts.environment = Self.variables(ProcessTable.environment(of: pid))
    if let folder = facts.arguments.releaseFolder {
      let opened = try? File.open(folder, inRootOf: pid, isFolder: true)
      let names = opened.flatMap { try? Files.list("/proc/self/fd/\($0.descriptor)") }
      facts.releaseFiles = names ?? []
    }
    if case .file = facts.arguments.cookie { facts.cookieFile = Self.cookieFile(facts) }
  }

  private mutating func ask(_ facts: inout BeamFacts) {
    let pid = facts.process.pid
    let network = facts.networkOf == nil ? "" : Self.namespace("net", of: pid) ?? ""
    let table = tables[network] ?? Listener.all(inNetworkOf: pid)
    tables[network] = .some(table)
    facts.listeners = table
    if facts.arguments.fixedPort == nil {
      facts.registered = registered(facts.epmdPort, network, facts.networkOf)
    }
    // The sockets are read only if epmd does not report the port: a node may have very many.
    let known = ((try? facts.registered?.get()) ?? []).contains {
      $0.name == facts.givenName?.name
    }
    if !known, facts.isReadable { facts.sockets = ProcessTable.sockets(of: pid) }
  }

  private mutating func registered(_ port: UInt16, _ network: String, _ process: Int32?)
    -> Result<[EPMD.Node], PosixError>
  {
    let question = Question(network: network, port: port)
    if let answer = answers[question] { return answer }
    let answer: Result<[EPMD.Node], PosixError>
    do throws(PosixError) {
      let nodes = try EPMD(port: port)
        .nodes(inNetworkOf: process, milliseconds: Self.patience)
      answer = .success(nodes)
    } catch { answer = .failure(error) }
    answers[question] = answer
    return answer
  }

  /// A name for the namespace of a process; nil if we may not look. namespaces(7)
  private static func namespace(_ kind: String, of pid: Int32) -> String? {
    try? Files.target(ofLink: "/proc/\(pid)/ns/\(kind)")
  }

  private static func variables(_ entries: Set<String>) -> [String: String] {
    var variables: [String: String] = [:]
    for entry in entries {
      guard let equals = entry.firstIndex(of: "=") else { continue }
      variables[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
    }
    return variables
  }

  /// The host's name and domain as a process sees them.
  private func hostNames(of pid: Int32) -> (name: String, domain: String?) {
    let space = Self.namespace("uts", of: pid)
    if space == nil || space == hostSpace {
      let resolver = try? Files.read("/etc/resolv.conf", limit: 65_536)
      return (User.host, Self.domain(resolver ?? []))
    }
    let name = Self.read("/etc/hostname", inRootOf: pid).prefix { $0 > 32 && $0 != 127 }
    let resolver = Self.read("/etc/resolv.conf", inRootOf: pid)
    return (String(decoding: name, as: UTF8.self), Self.domain(resolver))
  }

  private static func read(_ path: String, inRootOf pid: Int32) -> [UInt8] {
    (try? File.open(path, inRootOf: pid).readToEnd(limit: 65_536)) ?? []
  }

  /// The first of `domain` and `search`. resolv.conf(5)
  static func domain(_ resolver: [UInt8]) -> String? {
    for line in String(decoding: resolver, as: UTF8.self).split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let first = words.first, first == "domain" || first == "search" else { continue }
      return words.dropFirst().first.map(String.init)
    }
    return nil
  }

  /// The cookie file that the VM reads: in its HOME, else in the XDG configuration folder. Source: `auth.erl`.
  private static func cookieFile(_ facts: BeamFacts) -> Result<Cookie, Cookie.FileProblem> {
    let home = facts.arguments.home ?? facts.environment["HOME"] ?? "/"
    let configuration = facts.environment["XDG_CONFIG_HOME"] ?? home + "/.config"
    var first: Cookie.FileProblem?
    for folder in [home, configuration + "/erlang"] {
      do throws(Cookie.FileProblem) {
        return .success(try cookie(in: folder + "/.erlang.cookie", facts))
      } catch {
        first = first ?? error
        guard case .unreadable(let reason) = error, reason.errno == .noSuchFile else { break }
      }
    }
    return .failure(first ?? .empty(path: home))
  }

  private static func cookie(in path: String, _ facts: BeamFacts)
    throws(Cookie.FileProblem) -> Cookie
  {
    let (info, bytes): (Files.Info, [UInt8])
    do throws(PosixError) {
      let file = try File.open(path, inRootOf: facts.process.pid)
      info = try file.info()
      guard info.kind == .file else { throw PosixError("read", path, .invalid) }
      guard facts.owner == 0 || info.owner == facts.owner else {
        throw PosixError("read", path, .accessDenied)
      }
      bytes = try file.readToEnd(limit: 4096)
    } catch { throw .unreadable(error) }
    if info.mode & 0o077 != 0 { throw .open(path: path) }
    return try Cookie.parse(bytes, path: path)
  }
}
