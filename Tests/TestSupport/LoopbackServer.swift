import Dispatch
import Glibc
import Posix

/// A TCP server on 127.0.0.1 for one test. It lives until nobody holds it any more.
public final class LoopbackServer: Sendable {
  public let port: UInt16
  private let socket: File

  /// - Parameter answer: gets what a client sent first and gives what it is told before the connection is closed;
  ///   nil leaves it open without a word. Without it nobody is ever accepted, and one waits in the queue at most.
  public init(_ answer: (@Sendable ([UInt8]) -> [UInt8]?)? = nil) throws {
    let port = try Loopback.freePort()
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    socket = File(owning: descriptor, name: "server")
    self.port = port
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0, listen(descriptor, answer == nil ? 0 : 16) == 0 else {
      throw PosixError("listen on", "127.0.0.1:\(port)", Errno(rawValue: errno))
    }
    guard let answer else { return }
    DispatchQueue(label: "server").async { Self.serve(descriptor, answer) }
  }

  // Closing a socket does not end an accept(2) that waits for it.
  deinit { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }

  private static func serve(_ descriptor: Int32, _ answer: ([UInt8]) -> [UInt8]?) {
    var silent: [File] = []
    while true {
      let accepted = accept(descriptor, nil, nil)
      if accepted == -1 { return }
      let client = File(owning: accepted, name: "client")
      guard let request = try? client.read(upTo: 65_536) else { continue }
      if let bytes = answer(request) {
        _ = send(accepted, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      } else {
        silent.append(client)
      }
    }
  }
}
