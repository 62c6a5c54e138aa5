import CPosix
import Glibc

/// A TCP connection that is made without waiting for it. When its descriptor can be written to, `outcome` says whether
/// it was made.
public enum Dial {
  /// Begins to connect. socket(2), connect(2)
  ///
  /// Bytes are sent at once (TCP_NODELAY), and the kernel notices when the other host is gone (SO_KEEPALIVE).
  /// - Parameters:
  ///   - address: an IPv4 or IPv6 address in digits; a name is refused (EINVAL).
  ///   - process: connects in the network namespace of this process, which takes CAP_SYS_ADMIN (EPERM). setns(2)
  /// - Returns: a socket that never blocks and may still be connecting.
  public static func start(address: String, port: UInt16, inNetworkOf process: pid_t? = nil)
    throws(PosixError) -> File
  {
    let name = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    guard let target = SocketAddress(address, port) else {
      throw PosixError("connect to", name, .invalid)
    }
    let socket = try File(owning: descriptor(target.family, inNetworkOf: process), name: name)
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    setsockopt(socket.descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, size)
    do throws(PosixError) {
      try check("connect to", name) { target.with { connect(socket.descriptor, $0, $1) } }
    } catch { if error.errno != .inProgress { throw error } }
    return socket
  }

  /// Why a connection was not made; nil if it was. socket(7), SO_ERROR
  public static func outcome(of socket: File) -> PosixError? {
    var reason: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    let result = getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &reason, &size)
    let errno = result == 0 ? Errno(rawValue: reason) : .current
    return errno.rawValue == 0 ? nil : PosixError("connect to", socket.name, errno)
  }

  /// Writes what can be written without waiting. send(2)
  /// - Parameter start: the index of the first byte to write.
  /// - Returns: how many bytes were written.
  public static func write(
    _ bytes: [UInt8], from start: Int = 0, to file: File
  ) throws(PosixError) -> Int {
    let start = min(max(0, start), bytes.count)
    do throws(PosixError) {
      return try check("write", file.name) {
        bytes.withUnsafeBytes {
          send(
            file.descriptor, $0.baseAddress.map { $0 + start }, bytes.count - start,
            Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
      }
    } catch {
      if error.errno == .again { return 0 }
      throw error
    }
  }

  /// Makes each read wait until `count` bytes have arrived. After the timeout a read returns the bytes that are there,
  /// or EAGAIN if there are none. A reader of several messages is woken only once. socket(7), SO_RCVLOWAT, SO_RCVTIMEO
  public static func waitInReads(
    of file: File, for count: Int, milliseconds: Int64
  ) throws(PosixError) {
    var least = Int32(clamping: count)
    let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
    var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(rest) * 1000)
    try check("change", file.name) {
      setsockopt(
        file.descriptor, SOL_SOCKET, SO_RCVLOWAT, &least, socklen_t(MemoryLayout<Int32>.size))
    }
    try check("change", file.name) {
      setsockopt(
        file.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    try file.setBlocking()
  }

  /// The two ends of a connection within the host; `ours` does not block. socketpair(2)
  public static func pair() throws(PosixError) -> (ours: File, theirs: File) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | O_CLOEXEC
    try check("open", "socket") { socketpair(AF_UNIX, type, 0, &ends) }
    let ours = File(owning: ends[0], name: "socket")
    try ours.setNonBlocking()
    return (ours, File(owning: ends[1], name: "socket"))
  }

  private static func descriptor(_ family: Int32, inNetworkOf process: pid_t?)
    throws(PosixError) -> Int32
  {
    guard let process else {
      let flags = SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
      let type = Int32(SOCK_STREAM.rawValue | flags)
      return try check("open", "socket") { socket(family, type, 0) }
    }
    let (action, subject) = ("enter the network of", "process \(process)")
    do throws(PosixError) {
      let network = try File.open("/proc/\(process)/ns/net", .read)
      return try check(action, subject) { cposix_socket_in(network.descriptor, family) }
    } catch { throw PosixError(action, subject, error.errno) }
  }
}

/// An address with a port, as the bytes of a `sockaddr_in` or `sockaddr_in6`.
struct SocketAddress {
  let family: Int32
  private let bytes: [UInt8]

  init?(_ address: String, _ port: UInt16) {
    // inet_pton(3) would end the text at the zero.
    if address.utf8.contains(0) { return nil }
    var (four, six) = (sockaddr_in(), sockaddr_in6())
    if inet_pton(AF_INET, address, &four.sin_addr) == 1 {
      (four.sin_family, four.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
      (family, bytes) = (AF_INET, withUnsafeBytes(of: four) { Array($0) })
    } else if inet_pton(AF_INET6, address, &six.sin6_addr) == 1 {
      (six.sin6_family, six.sin6_port) = (sa_family_t(AF_INET6), port.bigEndian)
      (family, bytes) = (AF_INET6, withUnsafeBytes(of: six) { Array($0) })
    } else {
      return nil
    }
  }

  /// Makes a system call that takes an address.
  func with(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return -1 }
      return call(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }
}
