import Posix

/// Where a node is and how to come to it. Its cookie is not part of it.
public struct NodeAddress: Hashable, Sendable {
  /// How its port is found.
  public enum Door: Hashable, Sendable {
    /// The port mapper on the node's host knows.
    case epmd(port: UInt16)
    case port(UInt16)
  }

  public var name: NodeName
  /// The address to dial, where it is another than the name's host.
  public var host: String?
  public var door: Door
  /// Whether it listens on IPv6 alone (`-proto_dist inet6_tcp`).
  public var isIPv6: Bool
  /// For distribution over TLS (`-proto_dist inet_tls`).
  public var tls: TLSOptions?
  /// A process in whose network it is to be dialled, where that is not ours: a container's.
  public var networkOf: Int32?

  public init(
    name: NodeName, host: String? = nil, door: Door, isIPv6: Bool = false, tls: TLSOptions? = nil,
    networkOf: Int32? = nil
  ) {
    (self.name, self.host, self.door) = (name, host, door)
    (self.isIPv6, self.tls, self.networkOf) = (isIPv6, tls, networkOf)
  }

  /// The port on which Erlang's port mapper listens by itself.
  public static let epmdPort: UInt16 = 4369
}
