import ErlangTerm

/// What is said on a connection once hands are shaken, as a value: calls and their answers, what they print,
/// messages, ticks. It knows no socket and reads no clock.
public struct Session: Sendable {
  /// The longest frame that is taken.
  static let longestFrame = 64 << 20
  /// A node that hears nothing for a minute gives us up, and we one that says nothing for longer.
  /// Source: `net_ticktime`, Kernel application.
  static let tickInterval: Int64 = 15_000
  static let longestSilence: Int64 = 75_000

  private struct Pending {
    var deadline: Int64?
    var isByServer: Bool
    /// The process that works at it, once it is known.
    var process: Term.Pid?
    /// A question that a process of the node asked while it printed, to be answered when this call is.
    var printing: Printing?
  }

  /// A process waits until what it prints has been taken.
  private struct Printing {
    var call: CallID
    var from: Term.Pid
    var reply: Term
  }

  public let identity: Handshake.Result
  private var pending: [UInt64: Pending] = [:]
  private var monitors: [UInt64: Term.Pid] = [:]
  private var mailboxes: UInt32 = 0
  private var lastNumber: UInt64 = 0
  private var lastSent: Int64
  private var lastHeard: Int64
  /// Bytes to be sent.
  private var output: [UInt8] = []

  public init(_ identity: Handshake.Result, now: Int64) {
    self.identity = identity
    (lastSent, lastHeard) = (now, now)
  }

  public var openCalls: Int { pending.count }

  /// Takes what is to be sent.
  public mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  // MARK: - Asking

  /// Calls a function in a process of its own, by `erpc`; by the `rex` server where the node cannot spawn for us.
  public mutating func call(_ call: Call, now: Int64) throws(TermError) -> CallID {
    try begin(call, now: now, printing: nil)
  }

  private mutating func begin(
    _ call: Call, now: Int64, printing: Printing?
  ) throws(TermError) -> CallID {
    let id = CallID(number: next())
    let isByServer = identity.peer.flags & Handshake.Flag.spawn == 0
    if isByServer {
      try askServer(call, id)
    } else {
      try spawn(call, id)
    }
    pending[id.number] = Pending(
      deadline: call.limit.map { now + $0 }, isByServer: isByServer, printing: printing)
    lastSent = now
    return id
  }

  private mutating func spawn(_ call: Call, _ id: CallID) throws(TermError) {
    let arguments: [Term] = [
      .integer(0), .atom(call.module), .atom(call.function), .list(call.arguments),
    ]
    output += try Control.frame(
      Control.spawnRequest(
        reference(id.number), from: .pid(ownPid), groupLeader: .pid(leader(of: id)),
        ("erpc", "execute_call", arguments.count),
        options: call.isLinked ? ["monitor", "link"] : ["monitor"]),
      .list(arguments))
  }

  /// Source: `rpc.erl` of Kernel, the message that `rpc:call/4` sends.
  private mutating func askServer(_ call: Call, _ id: CallID) throws(TermError) {
    let from = Term.tuple([.pid(ownPid), reference(id.number)])
    let what = Term.tuple([
      .atom("call"), .atom(call.module), .atom(call.function), .list(call.arguments),
      .pid(leader(of: id)),
    ])
    output += try Control.frame(
      Control.send(to: "rex", from: .pid(ownPid)), .tuple([.atom("$gen_call"), from, what]))
  }

  /// An address for messages, with the pid that the node's processes know it by.
  public mutating func openMailbox() -> (Mailbox, Term.Pid) {
    mailboxes += 1
    let mailbox = Mailbox(number: mailboxes)
    return (mailbox, pid(Self.mailboxBase + mailboxes))
  }

  public mutating func send(_ message: Term, to pid: Term.Pid, now: Int64) throws(TermError) {
    output += try Control.frame(Control.send(to: pid), message)
    lastSent = now
  }

  public mutating func monitor(_ pid: Term.Pid, now: Int64) throws(TermError) -> MonitorID {
    let id = MonitorID(number: next())
    output += try Control.frame(Control.monitor(pid, from: .pid(ownPid), reference(id.number)))
    monitors[id.number] = pid
    lastSent = now
    return id
  }

  public mutating func demonitor(_ id: MonitorID, now: Int64) throws(TermError) {
    guard let pid = monitors.removeValue(forKey: id.number) else { return }
    output += try Control.frame(Control.demonitor(pid, from: .pid(ownPid), reference(id.number)))
    lastSent = now
  }

  /// Forgets a call and ends the process that works at it.
  public mutating func cancel(_ id: CallID, now: Int64) {
    guard let call = pending.removeValue(forKey: id.number), let process = call.process,
      let frame = try? Control.frame(Control.exit(process, from: .pid(ownPid)), .atom("kill"))
    else { return }
    output += frame
    lastSent = now
  }

  // MARK: - Hearing

  /// Takes one frame without its length; an empty one is a tick.
  public mutating func receive(
    _ frame: [UInt8], now: Int64
  ) throws(DistributionError) -> Happening? {
    lastHeard = now
    if frame.isEmpty { return nil }
    let control = try Control(frame: frame)
    do throws(TermError) { return try take(control, now: now) } catch {
      throw .malformed(.term(error))
    }
  }

  private mutating func take(_ control: Control, now: Int64) throws(TermError) -> Happening? {
    switch control {
    case .down(let reference, let reason):
      guard let number = number(of: reference) else { return nil }
      if monitors.removeValue(forKey: number) != nil {
        return .down(MonitorID(number: number), reason: reason)
      }
      return try end(number, Answer(executed: reason), now: now)
    case .spawned(let request, let result):
      guard let number = number(of: request), pending[number] != nil else { return nil }
      guard let process = result.pid else { return try end(number, .refused(result), now: now) }
      pending[number]?.process = process
      return nil
    case .send(let to, let message): return try deliver(message, to: to, now: now)
    case .sendToName(let name, let from, let message):
      try answer(name, from, message, now: now)
      return nil
    case .unlink(let id, let from, let to):
      output += try Control.frame(Control.unlinked(id, from: to, to: from))
      lastSent = now
      return nil
    case .exit, .other: return nil
    }
  }

  private mutating func deliver(
    _ message: Term, to pid: Term.Pid, now: Int64
  ) throws(TermError) -> Happening? {
    if pid.id == ownPid.id {
      // `rex` answers with `{Reference, Value}`.
      guard let parts = message.tuple, parts.count == 2, let reference = parts[0].reference,
        let number = number(of: reference), pending[number]?.isByServer == true
      else { return nil }
      return try end(number, Answer(served: parts[1]), now: now)
    }
    if pid.id > Self.mailboxBase, pid.id < Self.leaderBase {
      return .message(Mailbox(number: pid.id - Self.mailboxBase), message)
    }
    guard let call = call(ofLeader: pid), pending[call.number] != nil,
      let request = PrintRequest(message)
    else { return nil }
    return try print(request, of: call, now: now)
  }

  private mutating func end(
    _ number: UInt64, _ answer: Answer, now: Int64
  ) throws(TermError) -> Happening? {
    guard let call = pending.removeValue(forKey: number) else { return nil }
    guard let printing = call.printing else {
      return .answer(CallID(number: number), answer)
    }
    let text = answer.value.flatMap(PrintRequest.text)
    try reply(
      text == nil ? .tuple([.atom("error"), .atom("request")]) : .atom("ok"), printing, now)
    return text.map { .output(printing.call, $0) }
  }

  /// A process of the node asks the group leader that it got from us.
  private mutating func print(
    _ request: PrintRequest, of call: CallID, now: Int64
  ) throws(TermError) -> Happening? {
    let printing = Printing(call: call, from: request.from, reply: request.reply)
    switch request.what {
    case .text(let text):
      try reply(.atom("ok"), printing, now)
      return .output(call, text)
    case .format(let module, let function, let arguments):
      _ = try begin(
        Call(module, function, arguments, isLinked: true), now: now, printing: printing)
      return nil
    case .answer(let term):
      try reply(term, printing, now)
      return nil
    }
  }

  private mutating func reply(
    _ term: Term, _ printing: Printing, _ now: Int64
  ) throws(TermError) {
    try send(.tuple([.atom("io_reply"), printing.reply, term]), to: printing.from, now: now)
  }

  /// `net_kernel` is asked whether we are who we are (`net_adm:ping/1`).
  private mutating func answer(
    _ name: String, _ from: Term.Pid, _ message: Term, now: Int64
  ) throws(TermError) {
    guard name == "net_kernel", let parts = message.tuple(tagged: "$gen_call"), parts.count == 2,
      let caller = parts.first?.tuple, caller.count == 2,
      parts.last?.tuple(tagged: "is_auth") != nil
    else { return }
    try send(.tuple([caller[1], .atom("yes")]), to: from, now: now)
  }

  // MARK: - Time

  /// Gives up calls whose time is over, and says that we are there.
  public mutating func tick(now: Int64) throws(DistributionError) -> [Happening] {
    if now - lastHeard >= Self.longestSilence {
      throw .silent(seconds: Int(Self.longestSilence / 1000))
    }
    if now - lastSent >= Self.tickInterval {
      output += [0, 0, 0, 0]
      lastSent = now
    }
    let late = pending.filter { $0.value.deadline ?? .max <= now }.keys.sorted()
    return late.compactMap { number in
      let isOurs = pending[number]?.printing == nil
      cancel(CallID(number: number), now: now)
      return isOurs ? .answer(CallID(number: number), .timedOut) : nil
    }
  }

  /// When `tick` is to be called at the latest.
  public var nextTick: Int64 {
    let calls = pending.values.compactMap(\.deadline).min() ?? .max
    return min(calls, lastSent + Self.tickInterval, lastHeard + Self.longestSilence)
  }

  // MARK: - Names of ours

  private static let mailboxBase: UInt32 = 1 << 8
  private static let leaderBase: UInt32 = 1 << 20

  private var ownPid: Term.Pid { pid(1) }

  private func pid(_ id: UInt32) -> Term.Pid {
    Term.Pid(
      node: identity.ownName, id: id, serial: 0, creation: identity.ownCreation)
  }

  /// Each call has a group leader of its own, so that what is printed can be told apart.
  private func leader(of call: CallID) -> Term.Pid {
    pid(Self.leaderBase + UInt32(truncatingIfNeeded: call.number & 0x7FF_FFFF))
  }

  private func call(ofLeader pid: Term.Pid) -> CallID? {
    guard pid.id >= Self.leaderBase else { return nil }
    let low = UInt64(pid.id - Self.leaderBase)
    // The call is one of the last 2^27.
    let number = lastNumber & ~0x7FF_FFFF | low
    return CallID(number: number > lastNumber ? number &- 0x800_0000 : number)
  }

  private mutating func next() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }

  /// Of the first word only 18 bits count.
  private func reference(_ number: UInt64) -> Term {
    .reference(
      Term.Reference(
        node: identity.ownName, creation: identity.ownCreation,
        words: [
          UInt32(truncatingIfNeeded: number & 0x3FFFF), UInt32(truncatingIfNeeded: number >> 18), 0,
        ]))
  }

  private func number(of reference: Term.Reference) -> UInt64? {
    guard reference.words.count == 3, reference.node == identity.ownName else { return nil }
    return UInt64(reference.words[1]) << 18 | UInt64(reference.words[0] & 0x3FFFF)
  }
}

extension Answer {
  /// Reads the reason with which a process of `erpc:execute_call/4` ends.
  init(executed reason: Term) {
    guard let parts = reason.tuple, parts.count >= 3, parts[0].integer == 0,
      let kind = parts[1].atom
    else {
      self = .raised(kind: "exit", reason: reason)
      return
    }
    if kind == "return" {
      self = .returned(parts[2])
    } else if parts.count > 3 {
      // An error comes with its stack.
      self = .raised(kind: kind, reason: .tuple([.atom("exception"), parts[2], parts[3]]))
    } else {
      self = .raised(kind: kind, reason: parts[2])
    }
  }

  /// Reads what the `rex` server answers.
  init(served term: Term) {
    if let reason = term.tuple(tagged: "badrpc")?.first {
      self = .raised(kind: "error", reason: reason)
    } else {
      self = .returned(term)
    }
  }
}
