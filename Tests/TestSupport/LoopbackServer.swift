import Dispatch
import Glibc
import Posix

/// A TCP server on 127.0.0.1 for one test. It ends when its last owner releases it.
public final class LoopbackServer: Sendable {
  public let port: UInt16
  private let socket: File

  /// - Parameter answer: makes the answer to a client's first bytes, after which the connection is closed; a nil answer
  ///   leaves it open. Without this parameter no client is ever accepted, and at most one waits in the queue.
  public init(_ answer: (@Sendable ([UInt8]) -> [UInt8]?)? = nil) throws {
    (socket, port) = try Self.listen(queue: answer == nil ? 0 : 16)
    guard let answer else { return }
    serve { client in
      guard let request = try? client.read(upTo: 65_536) else { return true }
      guard let bytes = answer(request) else { return false }
      _ = send(client.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      return true
    }
  }

  /// - Parameter talk: called with each client, one after the other; the connection is closed when it returns.
  public init(talking talk: @escaping @Sendable (File) throws -> Void) throws {
    (socket, port) = try Self.listen(queue: 16)
    serve { client in
      try? talk(client)
      return true
    }
  }

  /// On a port that the kernel chooses, so that no other program can take it before.
  private static func listen(queue: Int32) throws -> (File, UInt16) {
    let descriptor = Glibc.socket(
      AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let socket = File(owning: descriptor, name: "server")
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, queue) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isListening else {
      throw PosixError("listen on", "127.0.0.1", Errno(rawValue: errno))
    }
    let port = UInt16(bigEndian: address.sin_port)
    return (socket, port)
  }

  // Closing a socket does not end an accept(2) that waits for it.
  deinit { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }

  /// - Parameter answer: whether the connection is to be closed.
  private func serve(_ answer: @escaping @Sendable (File) -> Bool) {
    // The number of a closed descriptor is soon given to another file, so the thread has a descriptor of its own.
    let listening = File(owning: Descriptor.copy(of: socket.descriptor), name: "server")
    DispatchQueue(label: "server").async {
      var kept: [File] = []
      while true {
        let accepted = accept(listening.descriptor, nil, nil)
        if accepted == -1 { return }
        let client = File(owning: accepted, name: "client")
        if !answer(client) { kept.append(client) }
      }
    }
  }
}
