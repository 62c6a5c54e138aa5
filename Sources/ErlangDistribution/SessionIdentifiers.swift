import ErlangTerm

// The pids and references on our side of a session.

extension Handshake.Result {
  var ownPid: Term.Pid { pid(1) }

  func pid(_ id: UInt32) -> Term.Pid {
    Term.Pid(node: ownName, id: id, serial: 0, creation: ownCreation)
  }

  func reference(_ number: UInt64) -> Term {
    let words = [Session.lowWord(of: number), Session.highWord(of: number), 0]
    return .reference(Term.Reference(node: ownName, creation: ownCreation, words: words))
  }

  func number(of reference: Term.Reference) -> UInt64? {
    guard reference.words.count == 3, reference.node == ownName,
      reference.creation == ownCreation
    else { return nil }
    return Session.number(of: reference.words[0], reference.words[1], reference.words[2])
  }
}

extension Session {
  static let mailboxBase: UInt32 = 1 << 8
  static let leaderBase: UInt32 = 1 << 20

  /// The group leader of a call. Each call has its own, so that its output can be told from that of others.
  func leader(of call: CallID) -> Term.Pid {
    identity.pid(Self.leaderBase + UInt32(truncatingIfNeeded: call.number & 0x7FF_FFFF))
  }

  /// The words of a reference. The first word has only 18 bits.
  static func lowWord(of number: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: number & 0x3FFFF) }

  static func highWord(of number: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: number >> 18) }

  /// The number in the words of a reference; nil for a reference of another kind.
  static func number(of low: UInt32, _ high: UInt32, _ last: UInt32) -> UInt64? {
    low <= 0x3FFFF && last == 0 ? UInt64(high) << 18 | UInt64(low) : nil
  }
}
