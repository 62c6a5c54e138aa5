import Glibc
import Posix

/// A server that answers every request with 200, in place of an application.
enum Answerer {
  /// Serves on the port in `PORT`, until it is ended.
  static func serve() throws(PosixError) -> Never {
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = (UInt16(Environment.current["PORT"] ?? "") ?? 0).bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(server, $0, length) }
    }
    guard isBound == 0, listen(server, 16) == 0 else {
      throw PosixError("listen on", "PORT", .invalid)
    }
    while true {
      let client = File(owning: accept(server, nil, nil), name: "client")
      _ = try? client.read(upTo: 4096)
      try? client.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }
  }
}
