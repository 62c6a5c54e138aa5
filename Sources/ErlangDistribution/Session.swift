import ErlangTerm

/// The protocol of a connection after the handshake, as a value: calls and their answers, their output, messages,
/// ticks. It has no socket and reads no clock.
public struct Session: Sendable {
  static let longestFrame = 64 << 20
  /// The most print requests that may wait for their text.
  static let mostPrintings = 1000

  /// The times of the tick protocol, in milliseconds. A node closes a connection on which it receives nothing for a
  /// minute, and we close one on which we receive nothing for longer. Source: `net_ticktime`, Kernel application.
  struct Pace: Sendable {
    var tick: Int64 = 15_000
    /// After so much silence we send a request, since a node with a longer `net_ticktime` sends fewer ticks.
    var probe: Int64 = 60_000
    var silence: Int64 = 75_000
  }

  private struct Pending {
    var deadline: Int64?
    var isByServer: Bool
    /// The process in the node that executes it, once it is known.
    var process: Term.Pid?
  }

  /// A print request of a process, which waits for the answer.
  private struct Printing {
    var call: CallID
    var from: Term.Pid
    var reply: Term
    /// The steps that are left when the text is there.
    var rest: ArraySlice<PrintRequest.Step>
    var encoding: PrintRequest.Encoding
  }

  public private(set) var identity: Handshake.Result
  private var pending: [UInt64: Pending] = [:]
  /// Print requests that wait for the results of these calls.
  private var printings: [UInt64: Printing] = [:]
  private var mailboxes: UInt32 = 0
  private var lastNumber: UInt64 = 0
  /// The moment of the last call from outside.
  private var now: Int64
  private var lastSent: Int64
  private var lastHeard: Int64
  private let pace: Pace
  private var isProbed = false
  /// The frames of calls without a link and with one, made at the first call.
  private var plainRequest: Control.SpawnRequest?
  private var linkedRequest: Control.SpawnRequest?
  /// Nil if names are too long for the fast reader.
  private let callFrames: CallFrames?
  /// The earliest moment at which a call may have to be given up.
  private var earliestDeadline = Int64.max
  private var output: [UInt8] = []

  init(_ identity: Handshake.Result, now: Int64, pace: Pace = Pace()) {
    (self.identity, self.pace) = (identity, pace)
    (self.now, lastSent, lastHeard) = (now, now, now)
    callFrames = try? CallFrames(identity.peer, own: identity.ownPid, identity.reference(0))
  }

  /// The length of the shortest answer to a call, except for the answer that its process cannot be started.
  var leastAnswer: Int { callFrames.map { isByServer ? 1 : $0.spawnedLength + 1 } ?? 1 }

  public var openCalls: Int { pending.count - printings.count }

  /// How many entries the session holds, for tests.
  var held: Int { pending.count }

  /// Takes out the bytes to send.
  public mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// Calls a function in a process of its own, by `erpc`, or by the `rex` server if the node has no spawn requests.
  public mutating func call(_ call: RemoteCall, now: Int64) throws(TermError) -> CallID {
    self.now = now
    return try begin(call)
  }

  private mutating func begin(_ call: RemoteCall, printing: Printing? = nil) throws(TermError)
    -> CallID
  {
    let id = CallID(number: next())
    let deadline = call.limit.map { limit in
      let (sum, isTooLarge) = now.addingReportingOverflow(limit)
      return isTooLarge ? .max : sum
    }
    if isByServer {
      try askServer(call, id)
    } else {
      let request = try spawnRequest(isLinked: call.isLinked)
      put(try request.frame(number: id.number, leader: leader(of: id).id, call))
    }
    pending[id.number] = Pending(deadline: deadline, isByServer: isByServer)
    earliestDeadline = min(earliestDeadline, deadline ?? .max)
    if let printing { printings[id.number] = printing }
    return id
  }

  private var isByServer: Bool { identity.peer.flags & Handshake.Flag.spawn == 0 }

  private mutating func forget(_ number: UInt64) -> Pending? {
    guard let call = pending.removeValue(forKey: number) else { return nil }
    if pending.isEmpty { earliestDeadline = .max }
    return call
  }

  private mutating func spawnRequest(isLinked: Bool) throws(TermError) -> Control.SpawnRequest {
    if let known = isLinked ? linkedRequest : plainRequest { return known }
    let request = try Control.SpawnRequest(
      identity.reference(0), .pid(identity.ownPid), isLinked: isLinked)
    if isLinked { linkedRequest = request } else { plainRequest = request }
    return request
  }

  /// Source: `rpc.erl` of Kernel, the message that `rpc:call/4` sends.
  private mutating func askServer(_ call: RemoteCall, _ id: CallID) throws(TermError) {
    let from = Term.tuple([.pid(identity.ownPid), identity.reference(id.number)])
    let what = Term.tuple([
      .atom("call"), .atom(call.module), .atom(call.function), .list(call.arguments),
      .pid(leader(of: id)),
    ])
    try say(
      .registeredSend, [.pid(identity.ownPid), .atom(""), .atom("rex")],
      .tuple([.atom("$gen_call"), from, what]))
  }

  private mutating func say(
    _ operation: Control.Operation, _ parts: [Term], _ payload: Term? = nil
  ) throws(TermError) {
    put(try Control.frame(operation, parts, payload))
  }

  private mutating func put(_ frame: [UInt8]) {
    if output.isEmpty { output = frame } else { output += frame }
    lastSent = now
  }

  /// A mailbox, with the pid to which the node's processes send. There can be a million.
  public mutating func openMailbox() -> (Mailbox, Term.Pid) {
    mailboxes = mailboxes % (Self.leaderBase - Self.mailboxBase - 1) + 1
    let mailbox = Mailbox(number: mailboxes)
    return (mailbox, identity.pid(Self.mailboxBase + mailboxes))
  }

  public mutating func send(_ message: Term, to pid: Term.Pid, now: Int64) throws(TermError) {
    self.now = now
    try send(message, to: pid)
  }

  private mutating func send(_ message: Term, to pid: Term.Pid) throws(TermError) {
    try say(.send, [.atom(""), .pid(pid)], message)
  }

  /// Gives up a call and ends its process in the node.
  mutating func cancel(_ id: CallID, now: Int64) {
    self.now = now
    // If the process is not known yet, it is ended when the node reports it.
    guard let process = forget(id.number)?.process else { return }
    try? kill(process)
  }

  private mutating func kill(_ process: Term.Pid) throws(TermError) {
    try say(.payloadExit2, [.pid(identity.ownPid), .pid(process)], .atom("kill"))
  }

  /// Handles one frame without its length; an empty one is a tick.
  public mutating func receive(
    _ frame: [UInt8], now: Int64
  ) throws(DistributionError) -> SessionEvent? {
    (self.now, lastHeard, isProbed) = (now, now, false)
    if frame.isEmpty { return nil }
    let known = callFrames?.meaning(of: frame)
    let control = known == nil ? try Control(frame: frame) : nil
    do throws(TermError) {
      if let known { return try take(known, of: frame) }
      return try control.flatMap { control throws(TermError) in try take(control) }
    } catch { throw .malformed(.term(error)) }
  }

  private mutating func take(
    _ known: CallFrames.Meaning, of frame: [UInt8]
  ) throws(TermError) -> SessionEvent? {
    switch known {
    case .spawned(let number, let process): return try spawned(number, process)
    case .returned(let number, let start):
      let answer: Answer
      do throws(TermError) {
        answer = .returned(try Control.payload(of: frame, from: start, isInner: true))
      } catch { answer = .unreadable(error) }
      return try end(number, answer)
    case .down(let number, let start):
      let answer: Answer
      do throws(TermError) {
        answer = Answer(executed: try Control.payload(of: frame, from: start))
      } catch { answer = .unreadable(error) }
      return try end(number, answer)
    }
  }

  private mutating func take(_ control: Control) throws(TermError) -> SessionEvent? {
    switch control {
    case .down(let reference, let reason):
      return try end(identity.number(of: reference), Answer(executed: reason))
    case .unreadableDown(let reference, let error):
      return try end(identity.number(of: reference), .unreadable(error))
    case .spawned(let request, let result): return try spawned(request, result)
    case .send(let to, let message): return try deliver(message, to: to)
    case .unreadableSend(let to, let error):
      return mailbox(of: to).map { .unreadable($0, error) }
    case .sendToName(let name, let from, let message): try answer(name, from, message)
    // There are no such processes on our side. Without an answer the senders would wait.
    case .unlink(let id, let from, let to):
      try say(.unlinkIDAcknowledged, [id, .pid(to), .pid(from)])
    case .spawn(let request, let from):
      try say(.spawnReply, [.reference(request), .pid(from), .integer(0), .atom("notsup")])
    case .monitor(let name, let from, let reference) where name != "net_kernel":
      try say(
        .payloadMonitorExit, [.atom(name), .pid(from), .reference(reference)], .atom("noproc"))
    case .monitor, .exit, .other: break
    }
    return nil
  }

  private mutating func spawned(
    _ request: Term.Reference, _ result: Term
  ) throws(TermError) -> SessionEvent? {
    guard let number = identity.number(of: request), number <= lastNumber else { return nil }
    guard let process = result.pid else { return try end(number, .refused(result)) }
    return try spawned(number, process)
  }

  private mutating func spawned(
    _ number: UInt64, _ process: Term.Pid
  ) throws(TermError) -> SessionEvent? {
    if number > lastNumber { return nil }
    if let place = pending.index(forKey: number) {
      pending.values[place].process = process
    } else {
      // The call was given up.
      try kill(process)
    }
    return nil
  }

  private mutating func deliver(
    _ message: Term, to pid: Term.Pid
  ) throws(TermError) -> SessionEvent? {
    if pid.id == identity.ownPid.id {
      // `rex` answers with `{Reference, Value}`.
      guard let parts = message.tuple, parts.count == 2, let reference = parts[0].reference,
        let number = identity.number(of: reference), pending[number]?.isByServer == true
      else { return nil }
      return try end(number, Answer(served: parts[1]))
    }
    if let mailbox = mailbox(of: pid) { return .message(mailbox, message) }
    guard let call = call(ofLeader: pid), let request = PrintRequest(message) else { return nil }
    return try print(request, of: call)
  }

  private func mailbox(of pid: Term.Pid) -> Mailbox? {
    guard pid.id > Self.mailboxBase, pid.id < Self.leaderBase else { return nil }
    return Mailbox(number: pid.id - Self.mailboxBase)
  }

  private mutating func end(
    _ number: UInt64?, _ answer: Answer
  ) throws(TermError) -> SessionEvent? {
    guard let number, forget(number) != nil else { return nil }
    guard !printings.isEmpty, let printing = printings.removeValue(forKey: number) else {
      return .answer(CallID(number: number), answer)
    }
    guard let text = answer.value.flatMap({ PrintRequest.text($0, printing.encoding) }) else {
      try reply(PrintRequest.error("put_chars"), printing)
      return nil
    }
    return try go(on: printing, text: text)
  }

  /// Handles a request of a process of the node to the group leader that we have given it.
  private mutating func print(
    _ request: PrintRequest, of call: CallID
  ) throws(TermError) -> SessionEvent? {
    let printing = Printing(
      call: call, from: request.from, reply: request.reply, rest: request.steps[...],
      encoding: .unicode)
    // The process outlived its call. It gets the answer of a group leader that has ended, so that it does not wait.
    if pending[call.number] == nil {
      try reply(PrintRequest.error("terminated"), printing)
      return nil
    }
    return try go(on: printing, text: "")
  }

  /// Does the remaining steps of a request, up to one that has to wait.
  /// - Parameter text: the text of the steps that are done.
  private mutating func go(on printing: Printing, text: String) throws(TermError) -> SessionEvent? {
    var (printing, text) = (printing, text)
    var answer = Term.atom("ok")
    steps: while let step = printing.rest.popFirst() {
      switch step {
      case .text(let more): text += more
      case .answer(let term):
        answer = term
        break steps
      case .format where printings.count >= Self.mostPrintings:
        answer = PrintRequest.error("system_limit")
        break steps
      case .format(let module, let function, let arguments, let encoding):
        printing.encoding = encoding
        _ = try begin(RemoteCall(module, function, arguments, isLinked: true), printing: printing)
        return told(text, of: printing.call)
      }
    }
    try reply(answer, printing)
    return told(text, of: printing.call)
  }

  private func told(_ text: String, of call: CallID) -> SessionEvent? {
    text.isEmpty || pending[call.number] == nil ? nil : .output(call, text)
  }

  private mutating func reply(_ term: Term, _ printing: Printing) throws(TermError) {
    try send(.tuple([.atom("io_reply"), printing.reply, term]), to: printing.from)
  }

  /// Answers a ping, which is a request to `net_kernel` (`net_adm:ping/1`).
  private mutating func answer(
    _ name: String, _ from: Term.Pid, _ message: Term
  ) throws(TermError) {
    guard name == "net_kernel", let parts = message.tuple(tagged: "$gen_call"), parts.count == 2,
      let caller = parts.first?.tuple, caller.count == 2,
      parts.last?.tuple(tagged: "is_auth") != nil
    else { return }
    try send(.tuple([caller[1], .atom("yes")]), to: from)
  }

  /// Gives up calls whose time is over, and sends a tick if one is due.
  public mutating func tick(now: Int64) throws(DistributionError) -> [SessionEvent] {
    self.now = now
    let silence = now - lastHeard
    if silence >= pace.silence { throw .silent(seconds: Int(silence / 1000)) }
    do throws(TermError) {
      if silence >= pace.probe, !isProbed {
        // It monitors a name that no process has. The node answers at once, however busy it is.
        try say(.monitor, [.pid(identity.ownPid), .atom(""), identity.reference(next())])
        isProbed = true
      }
      if now - lastSent >= pace.tick { put([0, 0, 0, 0]) }
      return try giveUp()
    } catch { throw .malformed(.term(error)) }
  }

  private mutating func giveUp() throws(TermError) -> [SessionEvent] {
    if now < earliestDeadline { return [] }
    var events: [SessionEvent] = []
    for number in pending.filter({ $0.value.deadline ?? .max <= now }).keys.sorted() {
      let printing = printings.removeValue(forKey: number)
      cancel(CallID(number: number), now: now)
      if let printing {
        try reply(PrintRequest.error("timeout"), printing)
      } else {
        events.append(.answer(CallID(number: number), .timedOut))
      }
    }
    earliestDeadline = pending.values.compactMap(\.deadline).min() ?? .max
    return events
  }

  /// When `tick` is to be called at the latest.
  public var nextTick: Int64 {
    let patience = lastHeard + (isProbed ? pace.silence : pace.probe)
    return min(earliestDeadline, lastSent + pace.tick, patience)
  }

  private func call(ofLeader pid: Term.Pid) -> CallID? {
    guard pid.id >= Self.leaderBase else { return nil }
    let low = UInt64(pid.id - Self.leaderBase)
    // The call is one of the last 2^27.
    let number = lastNumber & ~0x7FF_FFFF | low
    return CallID(number: number > lastNumber ? number &- 0x800_0000 : number)
  }

  /// Continues the count of calls from here, for tests.
  mutating func skip(to number: UInt64) { lastNumber = number }

  /// Treats the node as one without spawn requests, for tests.
  mutating func forgetSpawn() { identity.peer.flags &= ~Handshake.Flag.spawn }

  private mutating func next() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }
}
