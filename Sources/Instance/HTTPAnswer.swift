/// An HTTP/1 answer that arrives in parts. Each byte is read once. Source: RFC 9112
struct HTTPAnswer: Sendable {
  private enum State {
    case statusLine, headers
    /// The number of bytes that are left.
    case body(Int)
    case chunkSize
    case chunk(Int)
    case trailers
    case untilClose
    case over
    /// The bytes are not an HTTP answer.
    case broken
  }

  private(set) var code: Int?
  /// The header `Location` of a redirect.
  private(set) var location: String?
  /// The decoded body as far as it has come, at most `longestBody` bytes.
  private(set) var body: [UInt8] = []
  private var state = State.statusLine
  private var line: [UInt8] = []
  private var headerBytes = 0
  private var length: Int?
  private var isChunked = false

  static let longestBody = 65_536
  private static let longestHeaders = 65_536

  var isBroken: Bool { if case .broken = state { true } else { false } }

  /// Whether the end of the answer has come.
  var isOver: Bool { if case .over = state { true } else { isBroken } }

  /// Whether the headers of the last answer are complete; `100 Continue` and the like are not the last.
  var hasHeaders: Bool {
    switch state {
    case .statusLine, .headers, .broken: false
    default: true
    }
  }

  mutating func feed(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch state {
      case .over, .broken: return
      case .body(let left): state = take(&rest, left).map { .body($0) } ?? .over
      case .chunk(let left): state = take(&rest, left).map { .chunk($0) } ?? .chunkSize
      case .untilClose: _ = take(&rest, .max)
      case .statusLine, .headers, .chunkSize, .trailers:
        guard let line = nextLine(&rest) else { continue }
        read(line)
      }
    }
    if body.count >= Self.longestBody { state = .over }
  }

  /// The server has closed the connection.
  mutating func close() {
    switch state {
    case .untilClose, .body, .chunkSize, .chunk, .trailers: state = .over
    case .statusLine, .headers: state = .broken
    case .over, .broken: break
    }
  }

  /// Takes bytes of the body.
  /// - Returns: how many are left, nil if none.
  private mutating func take(_ rest: inout ArraySlice<UInt8>, _ left: Int) -> Int? {
    let part = rest.prefix(left)
    body += part.prefix(Self.longestBody - body.count)
    rest = rest.dropFirst(part.count)
    return left > part.count ? left - part.count : nil
  }

  /// - Returns: nil if the line's end has not come yet.
  private mutating func nextLine(_ rest: inout ArraySlice<UInt8>) -> String? {
    let end = rest.firstIndex(of: UInt8(ascii: "\n"))
    let part = rest[..<(end ?? rest.endIndex)]
    line += part
    headerBytes += part.count + 1
    rest = end.map { rest[($0 + 1)...] } ?? []
    if headerBytes > Self.longestHeaders { state = .broken }
    guard end != nil else { return nil }
    defer { line.removeAll(keepingCapacity: true) }
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return String(decoding: line, as: UTF8.self)
  }

  private mutating func read(_ line: String) {
    switch state {
    case .statusLine:
      let words = line.split(separator: " ")
      if words.count > 1, words[0].hasPrefix("HTTP/1."), let code = Int(words[1]),
        (100..<600).contains(code)
      {
        (self.code, state) = (code, .headers)
      } else {
        state = .broken
      }
    case .headers: line.isEmpty ? endHeaders() : readHeader(line)
    case .chunkSize where line.isEmpty: break  // The end of the chunk before.
    case .chunkSize:
      let digits = line.prefix { $0.isHexDigit }
      guard let size = Int(digits, radix: 16), size >= 0 else {
        state = .broken
        return
      }
      state = size == 0 ? .trailers : .chunk(size)
    case .trailers: if line.isEmpty { state = .over }
    default: break
    }
  }

  private mutating func readHeader(_ line: String) {
    let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      state = .broken
      return
    }
    let value = parts[1].trimmingPrefix { $0 == " " || $0 == "\t" }
    switch parts[0].lowercased() {
    case "content-length": length = Int(value).flatMap { $0 < 0 ? nil : $0 }
    case "transfer-encoding": isChunked = value.lowercased().hasSuffix("chunked")
    case "location": location = String(value)
    default: break
    }
  }

  private mutating func endHeaders() {
    switch code ?? 0 {
    case 100..<200: (code, length, isChunked, state) = (nil, nil, false, .statusLine)
    case 204, 304: state = .over
    default:
      state = isChunked ? .chunkSize : length.map { $0 == 0 ? .over : .body($0) } ?? .untilClose
    }
  }
}
