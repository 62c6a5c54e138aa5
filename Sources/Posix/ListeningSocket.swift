import CPosix
import Glibc

/// Sockets that a program listens on. A program that inherits one listens on it, too; connections that wait in its queue
/// outlive both.
public enum ListeningSocket {
  private static let queue: Int32 = 4096

  /// On an address of IPv4 or IPv6 in digits. bind(2), listen(2)
  public static func tcp(_ address: String, _ port: UInt16) throws(PosixError) -> File {
    let name = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    guard let place = SocketAddress(address, port) else {
      throw PosixError("listen on", name, .invalid)
    }
    let file = try socket(place.family, name)
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Connections that have just ended do not keep the port. Another program that listens does.
    setsockopt(file.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
    if place.family == AF_INET6 {
      setsockopt(file.descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size)
    }
    try check("listen on", name) { place.with { bind(file.descriptor, $0, $1) } }
    try check("listen on", name) { listen(file.descriptor, queue) }
    return file
  }

  /// On a path that only this user can connect to; a socket that is left there is replaced. unix(7)
  public static func local(_ name: String, in folder: File) throws(PosixError) -> File {
    let path = folder.name + "/" + name
    try Files.remove(path)
    let file = try socket(AF_UNIX, path)
    // Before `listen` no program can connect, and by then the mode is right.
    try check("listen on", path) {
      LocalAddress(name, in: folder).with { bind(file.descriptor, $0, $1) }
    }
    try Files.setMode(path, 0o600)
    try check("listen on", path) { listen(file.descriptor, queue) }
    return file
  }

  private static func socket(_ family: Int32, _ name: String) throws(PosixError) -> File {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return File(owning: try check("open", name) { Glibc.socket(family, type, 0) }, name: name)
  }
}

/// Connections to programs of this host.
public enum LocalSocket {
  /// Connects, without waiting, to the socket of this name in an open folder. connect(2)
  public static func connect(_ name: String, in folder: File) throws(PosixError) -> File {
    let path = folder.name + "/" + name
    let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let file = File(
      owning: try check("open", path) { socket(AF_UNIX, Int32(flags), 0) }, name: path)
    try check("connect to", path) {
      LocalAddress(name, in: folder).with { Glibc.connect(file.descriptor, $0, $1) }
    }
    return file
  }
}

/// The address of a socket in an open folder. The path of a socket has 107 bytes at most, so it is named through the
/// folder's descriptor. unix(7)
private struct LocalAddress {
  private var address = sockaddr_un()

  init(_ name: String, in folder: File) {
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      bytes.copyBytes(from: Array("/proc/self/fd/\(folder.descriptor)/\(name)".utf8.prefix(107)))
    }
  }

  func with(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    withUnsafeBytes(of: address) { bytes in
      guard let base = bytes.baseAddress else { return -1 }
      return call(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }
}
