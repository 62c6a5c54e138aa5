import ErlangTerm

/// A message of the distribution protocol, read from a frame.
///
/// Source: "Protocol between Connected Nodes", Erlang distribution protocol, ERTS user's guide.
enum Control: Equatable, Sendable {
  /// A message for a process of ours.
  case send(to: Term.Pid, Term)
  /// A message for a process of ours, by its name.
  case sendToName(String, from: Term.Pid, Term)
  /// A message for a process of ours that cannot be read.
  case unreadableSend(to: Term.Pid, TermError)
  /// The process of a call has ended; `noproc` and `noconnection` are such ends too.
  case down(Term.Reference, reason: Term)
  /// The process of a call has ended with a reason that cannot be read.
  case unreadableDown(Term.Reference, TermError)
  case spawned(request: Term.Reference, Term)
  /// A process that was linked to one of ours has ended.
  case exit(from: Term.Pid?, to: Term.Pid)
  /// A link is removed; that must be acknowledged.
  case unlink(id: Term, from: Term.Pid, to: Term.Pid)
  /// A process monitors a process of ours by its name.
  case monitor(name: String, from: Term.Pid, Term.Reference)
  /// A request to start a process on our side.
  case spawn(request: Term.Reference, from: Term.Pid)
  /// A message that needs no answer: links, monitors of processes of ours.
  case other

  /// Pass through, the first byte of each message without a header.
  static let passThrough: UInt8 = 112

  /// The first part of a control message.
  enum Operation: Int {
    case link = 1
    case send, exit, unlink, nodeLink, registeredSend, groupLeader, exit2
    case sendTraced = 12
    case exitTraced
    case registeredSendTraced = 16
    case exit2Traced = 18
    case monitor, demonitor, monitorExit, sendSender, sendSenderTraced
    case payloadExit = 24
    case payloadExitTraced, payloadExit2, payloadExit2Traced, payloadMonitorExit
    case spawnRequest = 29
    case spawnRequestTraced, spawnReply, spawnReplyTraced, aliasSend, aliasSendTraced
    case unlinkID = 35
    case unlinkIDAcknowledged
  }

  init(frame: [UInt8]) throws(DistributionError) {
    guard frame.first == Self.passThrough else { throw .malformed(.unknownForm(frame.first ?? 0)) }
    let (control, payload) = try Self.parts(of: frame)
    guard let parts = control.tuple, let number = parts.first?.integer else {
      throw .malformed(.control("no tuple"))
    }
    guard let operation = Operation(rawValue: number) else {
      throw .malformed(.control("of an unknown kind, \(number)"))
    }
    guard let meaning = Self(operation, parts, payload) else {
      throw .malformed(.control("of a wrong form, \(number)"))
    }
    self = meaning
  }

  private enum Payload {
    case none
    case term(Term)
    case unreadable(TermError)

    var term: Term? { if case .term(let term) = self { term } else { nil } }
  }

  /// A control message that cannot be read ends the connection. A payload that is too deep or too large is reported to
  /// its receiver only.
  private static func parts(of frame: [UInt8]) throws(DistributionError) -> (Term, Payload) {
    let (control, end): (Term, Int)
    do throws(TermError) { (control, end) = try ExternalFormat.decode(frame, from: 1) } catch {
      throw .malformed(.term(error))
    }
    if end == frame.count { return (control, .none) }
    do throws(TermError) { return (control, .term(try payload(of: frame, from: end))) } catch {
      return (control, .unreadable(error))
    }
  }

  static func payload(
    of frame: [UInt8], from start: Int, isInner: Bool = false
  ) throws(TermError) -> Term {
    let (term, end) = try ExternalFormat.decode(frame, from: start, isInner: isInner)
    if end != frame.count { throw .external(.trailingBytes(frame.count - end), offset: end) }
    return term
  }

  /// How a frame begins: pass through, version, head of the tuple, operation.
  static func head(_ operation: Operation, count: UInt8) -> [UInt8] {
    [passThrough, ExternalFormat.version, 104, count, 97, UInt8(operation.rawValue)]
  }

  /// - Parameter parts: the first is the operation.
  private init?(_ operation: Operation, _ parts: [Term], _ payload: Payload) {
    switch (operation, parts.count) {
    case (.send, 3...), (.sendTraced, 3...), (.sendSender, 3...), (.sendSenderTraced, 3...):
      guard let to = parts[2].pid else { return nil }
      switch payload {
      case .term(let message): self = .send(to: to, message)
      case .unreadable(let error): self = .unreadableSend(to: to, error)
      case .none: return nil
      }
    case (.registeredSend, 4...), (.registeredSendTraced, 4...):
      guard let from = parts[1].pid, let name = parts[3].atom else { return nil }
      self = payload.term.map { .sendToName(name, from: from, $0) } ?? .other
    case (.monitorExit, 5):
      guard let reference = parts[3].reference else { return nil }
      self = .down(reference, reason: parts[4])
    case (.payloadMonitorExit, 4):
      guard let reference = parts[3].reference else { return nil }
      switch payload {
      case .term(let reason): self = .down(reference, reason: reason)
      case .unreadable(let error): self = .unreadableDown(reference, error)
      case .none: return nil
      }
    case (.spawnReply, 5...), (.spawnReplyTraced, 5...):
      guard let request = parts[1].reference else { return nil }
      self = .spawned(request: request, parts[4])
    case (.exit, 3...), (.exitTraced, 3...), (.exit2, 3...), (.exit2Traced, 3...),
      (.payloadExit, 3...), (.payloadExitTraced, 3...), (.payloadExit2, 3...),
      (.payloadExit2Traced, 3...):
      guard let to = parts[2].pid else { return nil }
      self = .exit(from: parts[1].pid, to: to)
    case (.unlinkID, 4):
      guard let from = parts[2].pid, let to = parts[3].pid else { return nil }
      self = .unlink(id: parts[1], from: from, to: to)
    case (.monitor, 4...):
      guard let from = parts[1].pid, let reference = parts[3].reference else { return nil }
      self = parts[2].atom.map { .monitor(name: $0, from: from, reference) } ?? .other
    case (.spawnRequest, 3...), (.spawnRequestTraced, 3...):
      guard let request = parts[1].reference, let from = parts[2].pid else { return nil }
      self = .spawn(request: request, from: from)
    case (.link, _), (.unlink, _), (.nodeLink, _), (.groupLeader, _), (.demonitor, _),
      (.unlinkIDAcknowledged, _),
      (.aliasSend, _), (.aliasSendTraced, _):
      self = .other
    default: return nil
    }
  }

  /// A whole message, with its length.
  static func frame(
    _ operation: Operation, _ parts: [Term], _ payload: Term? = nil
  ) throws(TermError) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 0, 0, passThrough]
    try ExternalFormat.encode(.tuple([.integer(operation.rawValue)] + parts), onto: &bytes)
    if let payload { try ExternalFormat.encode(payload, onto: &bytes) }
    try putLength(&bytes)
    return bytes
  }

  /// Writes the length of a frame into its first four bytes.
  private static func putLength(_ frame: inout [UInt8]) throws(TermError) {
    guard let count = UInt32(exactly: frame.count - 4) else {
      throw .unencodable(.tooManyElements(frame.count))
    }
    put(count, at: 0, in: &frame)
  }

  private static func put(_ number: UInt32, at place: Int, in bytes: inout [UInt8]) {
    for index in 0..<4 {
      bytes[place + index] = UInt8(truncatingIfNeeded: number >> (24 - 8 * index))
    }
  }

  /// A request for a process that calls a function: `erpc:execute_call(0, Module, Function, Arguments)`. From call to
  /// call only numbers in known places differ.
  struct SpawnRequest: Sendable {
    private let frame: [UInt8]
    private let words: Int
    private let leader: Int

    /// - Parameters:
    ///   - reference: any reference of our side, with three words.
    ///   - pid: any pid of our side.
    init(_ reference: Term, _ pid: Term, isLinked: Bool) throws(TermError) {
      let target = Term.tuple([.atom("erpc"), .atom("execute_call"), .integer(4)])
      let options: [Term] = [.atom("monitor")] + (isLinked ? [.atom("link")] : [])
      let control = try Control.frame(.spawnRequest, [reference, pid, pid, target, .list(options)])
      // A list of four, the first of which is 0.
      frame = control + [ExternalFormat.version, 108, 0, 0, 0, 4, 97, 0]
      // Length, pass through, version, head of the tuple, operation; what differs is at the end of each term.
      let start = 4 + 1 + 1 + 2 + 2
      let (one, other) = (try ExternalFormat.encode(reference), try ExternalFormat.encode(pid))
      words = start + one.count - 1 - 12
      leader = start + one.count - 1 + 2 * (other.count - 1) - 12
    }

    func frame(number: UInt64, leader: UInt32, _ call: RemoteCall) throws(TermError) -> [UInt8] {
      // Room for most calls, so that the frame is not moved while it grows.
      var frame: [UInt8] = []
      frame.reserveCapacity(self.frame.count + 256)
      frame += self.frame
      Control.put(Session.lowWord(of: number), at: words, in: &frame)
      Control.put(Session.highWord(of: number), at: words + 4, in: &frame)
      Control.put(leader, at: self.leader, in: &frame)
      try ExternalFormat.encode(.atom(call.module), onto: &frame, isInner: true)
      try ExternalFormat.encode(.atom(call.function), onto: &frame, isInner: true)
      try ExternalFormat.encode(.list(call.arguments), onto: &frame, isInner: true)
      frame.append(106)
      try Control.putLength(&frame)
      return frame
    }
  }
}
