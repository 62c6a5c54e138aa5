import CPosix
import Glibc

/// TCP connections to other hosts, without waiting.
public enum Dial {
  /// Begins a connection; it is made, or has failed, when it can be written to. connect(2)
  /// - Parameter address: of IPv4 or IPv6, in figures.
  public static func start(
    address: String, port: UInt16, inNetworkOf pid: pid_t? = nil
  ) throws(PosixError) -> File {
    let target = "\(address):\(port)"
    let isIPv6 = address.contains(":")
    let type = Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC
    let file = File(
      owning: try check("open", "socket") { socket(isIPv6 ? AF_INET6 : AF_INET, type, 0) },
      name: target)
    var on: Int32 = 1
    setsockopt(
      file.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    do throws(PosixError) {
      try check("connect to", target) {
        isIPv6 ? connect6(file, address, port) : connect4(file, address, port)
      }
    } catch  where error.errno == .inProgress {}
    return file
  }

  private static func connect4(_ file: File, _ host: String, _ port: UInt16) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
      errno = EINVAL
      return -1
    }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func connect6(_ file: File, _ host: String, _ port: UInt16) -> Int32 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else {
      errno = EINVAL
      return -1
    }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  }

  /// Why a connection was not made; nil if it was, or is not decided yet. socket(7), SO_ERROR
  public static func outcome(of file: File) -> PosixError? {
    var reason: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(file.descriptor, SOL_SOCKET, SO_ERROR, &reason, &length)
    return reason == 0 ? nil : PosixError("connect to", file.name, Errno(rawValue: reason))
  }

  /// Writes what can be written without waiting. send(2)
  /// - Parameter start: where in the bytes to begin.
  /// - Returns: how many bytes that was.
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

  /// Two ends of a connection within the host: ours does not wait. socketpair(2)
  public static func pair() throws(PosixError) -> (ours: File, theirs: File) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | O_CLOEXEC
    try check("open", "socket") { socketpair(AF_UNIX, type, 0, &ends) }
    let ours = File(owning: ends[0], name: "socket")
    try ours.setNonBlocking()
    return (ours, File(owning: ends[1], name: "socket"))
  }
}
