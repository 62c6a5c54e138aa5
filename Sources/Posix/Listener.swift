import Glibc

/// A TCP socket that listens.
public struct Listener: Hashable, Sendable {
  /// In digits, as inet_ntop(3) writes it.
  public var address: String
  public var port: UInt16
  public var owner: uid_t
  public var inode: UInt64

  /// Whether it listens on all addresses of the host.
  public var isWildcard: Bool { address == "0.0.0.0" || address == "::" }

  /// Whether only processes of this host can connect to it.
  public var isLoopback: Bool {
    address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
  }

  /// The listeners in the network namespace of a process; nil if their table cannot be read or has more than `limit`
  /// bytes. Every user can read the table of every process.
  public static func all(inNetworkOf process: pid_t, limit: Int = 4 << 20) -> [Listener]? {
    guard let four = try? table("/proc/\(process)/net/tcp", limit) else { return nil }
    // A kernel without IPv6 has no such table.
    let six = try? table("/proc/\(process)/net/tcp6", limit)
    return all(in: four) + all(in: six ?? [])
  }

  /// Reads a table up to its last listener. A host may have very many connections; the kernel lists them after the
  /// listeners (`tcp_seq_start` in its source).
  private static func table(_ path: String, _ limit: Int) throws(PosixError) -> [UInt8] {
    let file = try File.open(path, .read)
    var bytes: [UInt8] = []
    while true {
      let part = try file.read(upTo: 16_384)
      bytes += part
      if bytes.count > limit { throw PosixError("read", path, .fileTooLarge) }
      // The first line may be the heading, and the last one may be cut.
      let lines = part.split(separator: UInt8(ascii: "\n")).dropFirst().dropLast()
      if part.isEmpty || lines.contains(where: { !fields(of: $0).isListener }) { return bytes }
    }
  }

  private static func fields(of line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split(separator: UInt8(ascii: " "), maxSplits: 10)
  }

  /// The ports of this host at which a connection is open. Source: proc(5), `/proc/net/tcp`; state 01 is established.
  public static func connected(inNetworkOf process: pid_t) -> Set<UInt16> {
    var ports: Set<UInt16> = []
    for table in ["tcp", "tcp6"] {
      let bytes = (try? Files.read("/proc/\(process)/net/\(table)", limit: 1 << 26)) ?? []
      for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() {
        let fields = fields(of: line)
        guard fields.count > 3, fields[3].elementsEqual("01".utf8),
          let place = String(decoding: fields[1], as: UTF8.self).split(separator: ":").last,
          let port = UInt16(place, radix: 16)
        else { continue }
        ports.insert(port)
      }
    }
    return ports
  }

  /// Reads the table `tcp` or `tcp6`; a line of another form is left out. Source: proc(5), `/proc/net/tcp`.
  static func all(in table: [UInt8]) -> [Listener] {
    table.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = fields(of: line)
      guard fields.count > 9, fields.isListener else { return nil }
      let place = String(decoding: fields[1], as: UTF8.self).split(separator: ":")
      guard place.count == 2, let port = UInt16(place[1], radix: 16),
        let address = address(String(place[0])),
        let owner = uid_t(String(decoding: fields[7], as: UTF8.self)),
        let inode = UInt64(String(decoding: fields[9], as: UTF8.self))
      else { return nil }
      return Listener(address: address, port: port, owner: owner, inode: inode)
    }
  }

  /// Reads an address: groups of eight hexadecimal digits, each a number in this machine's byte order.
  private static func address(_ digits: String) -> String? {
    var words: [UInt32] = []
    var rest = Substring(digits)
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      words.append(word)
      rest = rest.dropFirst(8)
    }
    guard words.count == 1 || words.count == 4 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let size = socklen_t(text.count)
    guard inet_ntop(words.count == 1 ? AF_INET : AF_INET6, words, &text, size) != nil else {
      return nil
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

extension [ArraySlice<UInt8>] {
  /// Whether these fields of a table's line have the state of a listener (`TCP_LISTEN`).
  fileprivate var isListener: Bool { count > 3 && self[3].elementsEqual("0A".utf8) }
}
