import Posix
import ReleaseModel

/// What decides whether a run is ready.
public enum Gate: Hashable, Sendable {
  /// `GET path` on its port answers 2xx (and holds the text).
  case http(path: String, content: String?)
  /// The node says of itself that it has booted and no application is on its way.
  case runtime

  /// The check that app.json names for the process type; without one the runtime is asked.
  public init(_ check: AppJSON.HealthCheck?) {
    if let path = check?.path {
      self = .http(path: path.hasPrefix("/") ? path : "/" + path, content: check?.content)
    } else {
      self = .runtime
    }
  }
}

/// A request to a server, under way. It never waits: the caller polls `descriptor` and calls `advance`.
public struct HTTPProbe: Sendable {
  public enum Verdict: Hashable, Sendable {
    case ready
    /// Not ready, and what was said instead.
    case notReady(String)
  }

  public let descriptor: Int32
  public let deadline: Int64
  private let content: String?
  private let file: File
  private var answer: [UInt8] = []

  /// Asks with `GET path`.
  /// - Parameters:
  ///   - content: what the answer must hold.
  ///   - milliseconds: how long the try may take.
  public init(
    path: String, content: String?, port: UInt16, milliseconds: Int64
  ) throws(PosixError) {
    self.content = content
    deadline = Clock.monotonic() + milliseconds
    file = try Loopback.connect(port, milliseconds: min(milliseconds, 10))
    // Some frameworks redirect what does not look like a request that came over TLS by name.
    let request =
      "GET \(path) HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
      + "User-Agent: reltui\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    try file.write(request)
    descriptor = file.descriptor
  }

  private static let longestAnswer = 65_536

  /// Reads what has come; nil while it is not decided. Ready is ready as soon as it is said, since a server may
  /// keep the connection open; anything else waits for the end of the answer or of the time.
  /// - Parameter isReadable: whether polling said that `descriptor` can be read.
  public mutating func advance(isReadable: Bool) -> Verdict? {
    var isOver = Clock.monotonic() >= deadline
    if isReadable {
      guard let part = try? file.read(upTo: 16_384) else {
        return .notReady("connection lost")
      }
      answer += part
      isOver = isOver || part.isEmpty || answer.count > Self.longestAnswer
    }
    let verdict = answer.isEmpty && !isReadable ? .notReady("no answer in time") : verdict()
    return isOver || verdict == .ready ? verdict : nil
  }

  private func verdict() -> Verdict {
    let text = String(decoding: answer, as: UTF8.self)
    let head = text.split(separator: "\r\n", maxSplits: 1).first ?? ""
    let words = head.split(separator: " ")
    guard words.count > 1, words[0].hasPrefix("HTTP/"), let code = Int(words[1]) else {
      return .notReady("the answer is not HTTP")
    }
    let body = text.split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().first ?? ""
    guard (200..<300).contains(code) else {
      let reason = body.split(separator: "\n").first.map { ": \($0)" } ?? ""
      return .notReady("\(code)\(reason)")
    }
    if let content, !body.contains(content) { return .notReady("\(code), without '\(content)'") }
    return .ready
  }
}
