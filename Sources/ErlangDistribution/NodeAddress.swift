/// The address of a node: its name, how its port is found, and how to connect. Its cookie is not part of it.
public struct NodeAddress: Hashable, Sendable {
  /// How its port is found.
  public enum Door: Hashable, Sendable {
    /// By the port mapper on the node's host.
    case epmd(port: UInt16)
    case port(UInt16)
  }

  public var name: NodeName
  /// The address to dial; nil for the host of the name.
  public var host: String?
  public var door: Door
  /// Whether it listens on IPv6 only (`-proto_dist inet6_tcp`).
  public var isIPv6: Bool
  /// For distribution over TLS (`-proto_dist inet_tls`).
  public var tls: TLSOptions?
  /// A process of a container in whose network the node is dialled; nil for our own network.
  public var networkOf: Int32?

  public init(
    name: NodeName, host: String? = nil, door: Door, isIPv6: Bool = false, tls: TLSOptions? = nil,
    networkOf: Int32? = nil
  ) {
    (self.name, self.host, self.door) = (name, host, door)
    (self.isIPv6, self.tls, self.networkOf) = (isIPv6, tls, networkOf)
  }

  /// The standard port of Erlang's port mapper.
  public static let epmdPort: UInt16 = 4369
}
