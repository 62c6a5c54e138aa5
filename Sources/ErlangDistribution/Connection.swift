import ErlangTerm
import Posix

/// A connection with one node, from the lookup of its name to its end. It never blocks: wait for `interest` by an
/// `EventLoop`, then call `advance`.
public struct Connection: Sendable {
  private enum Stage {
    case resolving(Lookup)
    /// Asking the port mapper; the bytes of its answer so far.
    case asking(File, [UInt8])
    case dialling(File, port: UInt16)
    case shaking(Handshake, port: UInt16)
    /// The session is a field of its own, since a value in an enumeration is copied whenever it changes.
    case talking
    case ended
  }

  public let address: NodeAddress
  private let cookie: Cookie
  private let ownHost: String
  private var stage: Stage
  /// The addresses to try; the first one is being tried.
  private var hosts: [String]
  private var deadline: Int64
  private var socket: File?
  private var program: TLSProgram?
  private var reader = FrameReader(width: 2, limit: Handshake.longest)
  private var output = Backlog()
  /// Nil before the handshake is done and after the end.
  public private(set) var session: Session?
  /// Another tick time, for tests.
  var pace = Session.Pace()

  /// Milliseconds for each step up to the handshake. A node allows seven seconds, too (`net_setuptime`).
  private static let stepLimit: Int64 = 5000
  /// Bytes that are read in one turn, so that a node that sends without end leaves time for others.
  private static let gulp = 65_536
  /// Bytes that may wait to be sent. Above that, nothing is read: more requests of the node would add more answers.
  private static let longestBacklog = 1 << 20

  public init(
    to address: NodeAddress, cookie: Cookie, now: Int64 = Clock.monotonic()
  ) throws(DistributionError) {
    (self.address, self.cookie) = (address, cookie)
    ownHost = User.host
    deadline = now + Self.stepLimit
    hosts = []
    stage = .ended
    let host = address.host ?? address.name.host
    if let known = Lookup.known(host, isIPv6: address.isIPv6) {
      hosts = known
      try begin(now: now)
    } else {
      do throws(PosixError) {
        stage = .resolving(try Lookup(host, isIPv6: address.isIPv6))
      } catch { throw .system(error) }
    }
  }

  /// The descriptor to wait for, and whether to read or write it; nil after the end.
  public var interest: Poll.Interest? {
    switch stage {
    case .resolving(let lookup): Poll.Interest(lookup.descriptor)
    case .asking(let file, _):
      Poll.Interest(file.descriptor, reads: output.isEmpty, writes: !output.isEmpty)
    case .dialling(let file, _): Poll.Interest(file.descriptor, reads: false, writes: true)
    case .shaking, .talking:
      socket.map {
        Poll.Interest($0.descriptor, reads: isListening, writes: !output.isEmpty)
      }
    case .ended: nil
    }
  }

  /// When `advance` is to be called at the latest, in milliseconds of the monotonic clock.
  public var nextTick: Int64 { session?.nextTick ?? deadline }

  /// Bytes that wait to be sent.
  public var backlog: Int { output.count }

  private var isListening: Bool { output.count <= Self.longestBacklog }

  /// Does everything that can be done without waiting.
  /// - Parameter ready: the state of `interest`; nil if it is not ready.
  /// - Returns: the events, in their order. After an error there are no others.
  public mutating func advance(
    _ ready: Poll.Ready?, now: Int64 = Clock.monotonic()
  ) throws(DistributionError) -> [SessionEvent] {
    do throws(DistributionError) { return try step(ready, now: now) } catch {
      let complaint = program?.complaint
      close()
      if let complaint, case .closed(let step) = error, step != .talking { throw .tls(complaint) }
      throw error
    }
  }

  private mutating func step(
    _ ready: Poll.Ready?, now: Int64
  ) throws(DistributionError) -> [SessionEvent] {
    switch stage {
    case .talking: return try talk(ready, now: now)
    case .ended: return []
    default:
      if now >= deadline { throw .tooSlow(currentStep) }
      guard let ready else { return [] }
      switch stage {
      case .resolving(let lookup): try resolve(lookup, now: now)
      case .asking(let file, let said): try ask(file, said, ready, now: now)
      case .dialling(let file, let port): try dialled(file, port: port, now: now)
      default: return try shake(ready, now: now)
      }
      return []
    }
  }

  private var currentStep: DistributionError.Step {
    switch stage {
    case .resolving: .resolving
    case .asking: .asking
    case .dialling: .dialling
    case .shaking: .shaking
    case .talking, .ended: .talking
    }
  }

  public mutating func close() {
    (stage, socket, program, session) = (.ended, nil, nil, nil)
    output = Backlog()
  }

  private mutating func resolve(_ lookup: Lookup, now: Int64) throws(DistributionError) {
    var lookup = lookup
    let answer: [String]?
    do throws(PosixError) { answer = try lookup.advance() } catch { throw .system(error) }
    guard let found = answer else {
      stage = .resolving(lookup)
      return
    }
    stage = .ended
    // A node of this host may listen on loopback only.
    let isOwn = address.name.host == ownHost || ownHost.hasPrefix(address.name.host + ".")
    hosts = found + (isOwn ? [address.isIPv6 ? "::1" : "127.0.0.1"] : [])
    if hosts.isEmpty { throw .hostUnknown(address.host ?? address.name.host) }
    try begin(now: now)
  }

  /// Dials the first of the remaining addresses.
  private mutating func begin(now: Int64) throws(DistributionError) {
    deadline = now + Self.stepLimit
    switch address.door {
    case .port(let port): try dial(port, now: now)
    case .epmd(let port):
      do throws(PosixError) {
        stage = .asking(try open(port), [])
        output = Backlog(EPMD.portRequest(address.name.name))
      } catch { try next(after: epmdProblem(error.errno, port), now: now) }
    }
  }

  /// Continues with the next address; if there is none, it throws the error.
  private mutating func next(after error: DistributionError, now: Int64) throws(DistributionError) {
    if hosts.count < 2 { throw error }
    hosts.removeFirst()
    output = Backlog()
    try begin(now: now)
  }

  private func open(_ port: UInt16) throws(PosixError) -> File {
    try Dial.start(address: hosts.first ?? "", port: port, inNetworkOf: address.networkOf)
  }

  private func epmdProblem(_ errno: Errno, _ port: UInt16) -> DistributionError {
    .noEPMD(host: hosts.first ?? address.name.host, port: port, errno)
  }

  /// Reads the node's port from the port mapper's answer.
  private mutating func ask(
    _ file: File, _ said: [UInt8], _ ready: Poll.Ready, now: Int64
  ) throws(DistributionError) {
    guard case .epmd(let port) = address.door else { return }
    if let error = Dial.outcome(of: file) {
      return try next(after: epmdProblem(error.errno, port), now: now)
    }
    if !output.isEmpty {
      do throws(PosixError) { try output.flush(to: file) } catch {
        return try next(after: epmdProblem(error.errno, port), now: now)
      }
    }
    guard ready.isReadable, let bytes = try read(file) else { return }
    let answer = said + bytes
    switch EPMD.port(in: answer) {
    case .port(let own): try dial(own, now: now)
    case .unknown: throw .notRegistered(address.name, epmd: port)
    case .nonsense: throw .malformed(.portMapper(port))
    case .unfinished:
      if bytes.isEmpty { throw .closed(.asking) }
      stage = .asking(file, answer)
    }
  }

  private mutating func dial(_ port: UInt16, now: Int64) throws(DistributionError) {
    deadline = now + Self.stepLimit
    output = Backlog()
    do throws(PosixError) {
      if let tls = address.tls {
        let program = try TLSProgram(
          tls, host: hosts.first ?? "", port: port, networkOf: address.networkOf)
        self.program = program
        greet(program.file, port: port)
      } else {
        stage = .dialling(try open(port), port: port)
      }
    } catch {
      try next(after: .unreachable(address.name, port: port, error.errno), now: now)
    }
  }

  private mutating func dialled(_ file: File, port: UInt16, now: Int64) throws(DistributionError) {
    if let error = Dial.outcome(of: file) {
      return try next(after: .unreachable(address.name, port: port, error.errno), now: now)
    }
    deadline = now + Self.stepLimit
    greet(file, port: port)
    try send()
  }

  private mutating func greet(_ file: File, port: UInt16) {
    socket = file
    let challenge = Random.bytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let handshake = Handshake(
      address.name, cookie, challenge: challenge, isOverTLS: address.tls != nil)
    reader = FrameReader(width: handshake.width, limit: Handshake.longest)
    output = Backlog(handshake.opening(host: ownHost))
    stage = .shaking(handshake, port: port)
  }

  private mutating func shake(
    _ ready: Poll.Ready, now: Int64
  ) throws(DistributionError) -> [SessionEvent] {
    guard case .shaking(var handshake, let port) = stage, let socket else { return [] }
    if ready.isWritable { try send() }
    guard ready.isReadable, let bytes = try read(socket) else { return [] }
    reader.append(bytes)
    while let message = try reader.next() {
      let (reply, result) = try handshake.receive(message)
      output.append(reply)
      guard let result else { continue }
      reader.width = 4
      reader.limit = Session.longestFrame
      stage = .talking
      session = Session(result, now: now, pace: pace)
      return [.up(result.peer)] + (try talk(nil, now: now))
    }
    // A node that rejects the answer closes the connection without a message.
    if bytes.isEmpty { throw handshake.isAnswered ? .wrongCookie(address.name) : .closed(.shaking) }
    stage = .shaking(handshake, port: port)
    try send()
    return []
  }

  /// Makes reads wait, for so many milliseconds at most, until there are as many bytes as an answer has.
  mutating func waitInReads(milliseconds: Int64) throws(DistributionError) {
    guard let socket, let session else { return }
    do throws(PosixError) {
      try Dial.waitInReads(of: socket, for: session.leastAnswer, milliseconds: milliseconds)
    } catch { throw .system(error) }
  }

  private mutating func talk(
    _ ready: Poll.Ready?, now: Int64
  ) throws(DistributionError) -> [SessionEvent] {
    guard let socket else { return [] }
    var events: [SessionEvent] = []
    var isOver = false
    if ready?.isReadable == true, isListening, let bytes = try read(socket) {
      isOver = bytes.isEmpty
      reader.append(bytes)
    }
    while let frame = try reader.next() {
      if let event = try session?.receive(frame, now: now) { events.append(event) }
    }
    // Frames that came before the end are handled first; the next read finds the end again.
    if isOver, events.isEmpty { throw .closed(.talking) }
    if nextTick <= now { events += try session?.tick(now: now) ?? [] }
    try send()
    return events
  }

  /// Changes the session and sends its output, as far as that goes without waiting.
  private mutating func tell<Value>(
    _ body: (inout Session) throws(TermError) -> Value
  ) throws(DistributionError) -> Value {
    let value: Value?
    do throws(TermError) { value = try session?.change(body) } catch {
      throw .malformed(.ours(error))
    }
    guard let value else { throw .closed(.talking) }
    try send()
    return value
  }

  public mutating func call(
    _ call: RemoteCall, now: Int64 = Clock.monotonic()
  ) throws(DistributionError) -> CallID {
    try tell { (session) throws(TermError) in try session.call(call, now: now) }
  }

  public mutating func openMailbox() throws(DistributionError) -> (Mailbox, Term.Pid) {
    try tell { session in session.openMailbox() }
  }

  public mutating func send(
    _ message: Term, to pid: Term.Pid, now: Int64 = Clock.monotonic()
  ) throws(DistributionError) {
    try tell { (session) throws(TermError) in try session.send(message, to: pid, now: now) }
  }

  /// Treats the node as one without spawn requests, for tests.
  mutating func forgetSpawn() { session?.forgetSpawn() }

  private mutating func send() throws(DistributionError) {
    if let said = session?.takeOutput() { output.append(said) }
    guard let socket, !output.isEmpty else { return }
    do throws(PosixError) { try output.flush(to: socket) } catch {
      // The node may have sent a reason before it closed; the next read gets it.
      if error.errno != .brokenPipe, error.errno != .reset { throw .system(error) }
      output = Backlog()
    }
  }

  /// - Returns: nil if no bytes are there now, empty at the end.
  private func read(_ file: File) throws(DistributionError) -> [UInt8]? {
    do throws(PosixError) { return try file.read(upTo: Self.gulp) } catch {
      if error.errno == .again { return nil }
      if error.errno == .reset || error.errno == .brokenPipe { return [] }
      throw .system(error)
    }
  }
}

extension Session {
  /// Changes an optional value in place, since taking it out would copy it.
  fileprivate mutating func change<Value>(
    _ body: (inout Session) throws(TermError) -> Value
  ) throws(TermError) -> Value { try body(&self) }
}
