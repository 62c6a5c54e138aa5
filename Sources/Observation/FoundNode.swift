import ErlangDistribution
import Events
import HomeLayout
import Posix

/// A BEAM among the processes of this host.
public struct FoundNode: Hashable, Sendable {
  /// The OTP release that it runs.
  public struct Release: Hashable, Sendable {
    /// Nil if its folder may not be read.
    public var name: String?
    public var version: String
  }

  public var process: ProcessIdentity
  /// When it was started.
  public var started: Timestamp
  /// The name of the user that it runs as, or the number.
  public var user: String
  /// The systemd unit or the container that it is in: `rabbitmq-server.service`, `docker 4f1c8bd0a6e2`.
  public var place: String?
  public var release: Release?
  /// Nil for a BEAM without distribution, and if it cannot be known from outside.
  public var name: ErlangDistribution.NodeName?
  /// Whether other nodes do not list it (`-hidden`). Such a node may be a shell or a tool.
  public var isHidden: Bool
  /// Whether it is a shell on another node.
  public var isRemoteShell: Bool
  /// The address to dial, in digits.
  public var host: String
  /// Where it listens for other nodes.
  public var port: UInt16?
  public var epmdPort: UInt16
  public var isIPv6: Bool
  public var isTLS: Bool
  /// The file of `-ssl_dist_optfile`, as the node sees it.
  public var tlsFile: String?
  /// The process whose network namespace the node is dialled in, if that is not ours.
  public var networkOf: Int32?
  public var cookie: Cookie?
  /// The reason why it cannot be watched.
  public var cause: Cause?

  /// Whether it runs as our own user, in our own network.
  public var isOurs: Bool

  public var pid: Int32 { process.pid }

  /// Its address, if name and port are known.
  /// - Parameter tls: the content of `tlsFile`, for a node whose distribution uses TLS.
  public func address(tls: TLSOptions? = nil) -> NodeAddress? {
    guard let name, let port else { return nil }
    return NodeAddress(
      name: name, host: host, door: .port(port), isIPv6: isIPv6, tls: tls, networkOf: networkOf)
  }
}

extension FoundNode {
  init(_ facts: BeamFacts) {
    let arguments = facts.arguments
    (process, started, user) = (facts.process, facts.started, facts.user)
    isOurs = facts.owner == User.id && facts.networkOf == nil
    place = ControlGroup.place(facts.controlGroups)
    release = Self.release(facts)
    name = facts.name
    (isHidden, isRemoteShell) = (arguments.has("hidden"), arguments.isRemoteShell)
    (isIPv6, isTLS, tlsFile) = (arguments.isIPv6, arguments.isTLS, arguments.tlsFile)
    (epmdPort, networkOf) = (facts.epmdPort, facts.networkOf)
    host = arguments.isIPv6 ? "::1" : "127.0.0.1"
    guard name != nil else {
      cause = Self.nameless(facts)
      return
    }
    do throws(Cause) {
      let port = try facts.port()
      (self.port, host) = (port, facts.address(port))
    } catch { cause = error }
    do throws(Cause) { cookie = try facts.cookie() } catch { cause = cause ?? error }
  }

  private static func nameless(_ facts: BeamFacts) -> Cause {
    if let (name, host) = facts.givenName {
      guard host != nil else {
        return Cause(
          .nodeHidden,
          "the node was started with '-name \(name)', and this host's domain is unknown",
          remedy: "Name it with its host: --node \(name)@HOST")
      }
      return Cause(.nodeName, "the node's command line has a name that no node can have")
    }
    if !facts.isReadable, facts.arguments.name == nil {
      return Cause(
        .nodeHidden, "the BEAM has no name on its command line, and more may not be read",
        remedy: facts.insightRemedy)
    }
    return Cause(
      .nodeUnreachable, "the BEAM runs without distribution (nonode@nohost)",
      remedy: "Start it with -name NAME@HOST or -sname NAME.")
  }

  private static func release(_ facts: BeamFacts) -> Release? {
    guard let folder = facts.arguments.releaseFolder else { return nil }
    let version = Files.name(of: folder)
    let files = facts.releaseFiles.filter { $0.hasSuffix(".rel") }
    let name = files.count == 1 ? files.first.map { String($0.dropLast(4)) } : nil
    return Release(name: name ?? facts.environment["RELEASE_NAME"], version: version)
  }
}

/// The service or container of a process, read from `/proc/PID/cgroup`. Source: cgroups(7).
enum ControlGroup {
  private static let managers = ["docker", "libpod", "cri-containerd", "crio", "lxc", "kubepods"]
  private static let names = ["libpod": "podman", "cri-containerd": "containerd", "crio": "cri-o"]

  /// The innermost container, or else the innermost systemd unit.
  static func place(_ text: String) -> String? {
    // There is a line for each hierarchy, `ID:CONTROLLERS:PATH`; most have the same path.
    let paths = text.split(separator: "\n").compactMap { line in
      line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last
    }
    let parts = paths.map { $0.split(separator: "/").map(String.init) }
    return parts.lazy.compactMap(container).first ?? parts.lazy.compactMap(unit).first
  }

  private static func container(_ parts: [String]) -> String? {
    for (index, part) in parts.enumerated().reversed() {
      let body = part.hasSuffix(".scope") ? String(part.dropLast(6)) : part
      let id = String(body.reversed().prefix(while: \.isHexDigit).reversed())
      guard id.count >= 32 else { continue }
      let manager = body.dropLast(id.count + 1)
      let above = index > 0 ? parts[index - 1] : ""
      let known = managers.first { manager == $0 } ?? managers.first { above.hasPrefix($0) }
      guard let known else { continue }
      return "\(names[known] ?? known) \(id.prefix(12))"
    }
    return nil
  }

  private static func unit(_ parts: [String]) -> String? {
    parts.last { part in
      part.hasSuffix(".service") && !part.hasPrefix("user@") && part.utf8.count <= 128
        && part.unicodeScalars.allSatisfy { $0.value > 32 && $0.value < 127 }
    }
  }
}
