import Glibc

/// TCP on this host's loopback: 127.0.0.1 unless said otherwise.
public enum Loopback {
  private static func socket() throws(PosixError) -> File {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return File(
      owning: try check("open", "socket") { Glibc.socket(AF_INET, type, 0) }, name: "socket")
  }

  private static func bind(_ socket: File, _ port: UInt16) -> Int32 {
    SocketAddress("127.0.0.1", port)?.with { Glibc.bind(socket.descriptor, $0, $1) } ?? -1
  }

  /// Whether something accepts connections on the port.
  public static func isListening(_ port: UInt16) -> Bool { (try? connect(port)) != nil }

  /// Whether the port is free to listen on now. bind(2)
  public static func isFree(_ port: UInt16) -> Bool {
    guard let socket = try? socket() else { return false }
    return bind(socket, port) == 0 && !isListening(port)
  }

  /// Connects. Reads and writes of the connection block. connect(2)
  ///
  /// On loopback a connection is made or refused at once, unless the program that listens on the port has stopped
  /// accepting and its queue is full: then connect(2) could wait for minutes.
  /// - Parameters:
  ///   - milliseconds: the longest wait, at least 1; after it this fails with ETIMEDOUT.
  ///   - process: connects in the network namespace of this process, as `Dial` does.
  public static func connect(
    _ port: UInt16, address: String = "127.0.0.1", milliseconds: Int64 = 500,
    inNetworkOf process: pid_t? = nil
  ) throws(PosixError) -> File {
    let socket = try Dial.start(address: address, port: port, inNetworkOf: process)
    let end = Clock.monotonic() + max(1, milliseconds)
    let interest = Poll.Interest(socket.descriptor, reads: false, writes: true)
    guard try Poll.isReady(interest, before: end) else {
      throw PosixError("connect to", socket.name, .timedOut)
    }
    if let error = Dial.outcome(of: socket) { throw error }
    try socket.setBlocking()
    return socket
  }

  /// A port on which no program listens, chosen by the kernel.
  public static func freePort() throws(PosixError) -> UInt16 {
    let socket = try socket()
    try check("listen on", "127.0.0.1") { bind(socket, 0) }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try check("read", "socket") {
      withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          getsockname(socket.descriptor, $0, &length)
        }
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  /// Connects to a program that may listen on IPv6 only. The error is that of IPv4.
  public static func connectToEither(_ port: UInt16, milliseconds: Int64) throws(PosixError) -> File
  {
    do throws(PosixError) { return try connect(port, milliseconds: milliseconds) } catch {
      guard error.errno == .refused,
        let other = try? connect(port, address: "::1", milliseconds: milliseconds)
      else { throw error }
      return other
    }
  }

  /// Sends `bytes` and reads the answer until the other side closes, `enough` returns true for it, or the time is over
  /// (ETIMEDOUT).
  /// - Parameter process: connects in the network namespace of this process, as `Dial` does.
  public static func exchange(
    _ bytes: [UInt8], port: UInt16, milliseconds: Int64, limit: Int = 65_536,
    inNetworkOf process: pid_t? = nil, until enough: ([UInt8]) -> Bool = { _ in false }
  ) throws(PosixError) -> [UInt8] {
    let socket = try connect(
      port, milliseconds: min(milliseconds, 500), inNetworkOf: process)
    // If the other side is gone, this fails with EPIPE and sends no SIGPIPE.
    try check("write", "127.0.0.1:\(port)") {
      send(socket.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
    let end = Clock.monotonic() + milliseconds
    var answer: [UInt8] = []
    while answer.count < limit {
      guard try Poll.isReady(Poll.Interest(socket.descriptor), before: end) else {
        throw PosixError("read", "127.0.0.1:\(port)", .timedOut)
      }
      let part = try socket.read(upTo: 16_384)
      if part.isEmpty { break }
      answer += part
      if enough(answer) { break }
    }
    return answer
  }
}
