import ErlangTerm

/// A fast reader of the two frames that answer a call. In the form that nodes write, only a few numbers in known places
/// differ from call to call, so the rest is compared as bytes. Frames of another form are read by `Control`.
struct CallFrames: Sendable {
  /// The content of such a frame, with the number of its reference.
  enum Meaning: Equatable {
    case spawned(UInt64, Term.Pid)
    /// The call has ended; the reason begins at this offset.
    case down(UInt64, reason: Int)
    /// The call has returned; its value begins at this offset.
    case returned(UInt64, value: Int)
  }

  private let ownPid: [UInt8]
  /// The bytes of a pid of the node, before and after its numbers.
  private let theirPid: [UInt8]
  private let theirCreation: [UInt8]
  /// A frame up to the numbers of the reference.
  private let spawned: [UInt8]
  private let reference: [UInt8]
  private let peer: Peer

  /// `{0, return, …}`
  private static let returnHead: [UInt8] =
    [ExternalFormat.version, 104, 3, 97, 0, 119, 6] + Array("return".utf8)
  private static let downHead = Control.head(.payloadMonitorExit, count: 4)

  /// - Parameters:
  ///   - pid: the pid on our side that starts and monitors processes.
  ///   - reference: any reference of our side, with three words.
  init(_ peer: Peer, own pid: Term.Pid, _ reference: Term) throws(TermError) {
    self.peer = peer
    ownPid = try Self.bare(.pid(pid))
    let theirs = Term.Pid(node: peer.name, id: 0, serial: 0, creation: peer.creation)
    let theirPid = try Self.bare(.pid(theirs))
    self.theirPid = theirPid.dropLast(12)
    theirCreation = theirPid.suffix(4)
    self.reference = try Self.bare(reference).dropLast(12)
    spawned = Control.head(.spawnReply, count: 5) + self.reference
  }

  /// The bytes of a term inside of another one.
  private static func bare(_ term: Term) throws(TermError) -> [UInt8] {
    Array(try ExternalFormat.encode(term).dropFirst())
  }

  /// The size, with its length field, of the frame that reports that the process of a call has begun.
  var spawnedLength: Int { 4 + spawned.count + 12 + ownPid.count + 2 + theirPid.count + 12 }

  func meaning(of frame: [UInt8]) -> Meaning? {
    var cursor = FrameCursor(frame)
    if cursor.skip(spawned) { return spawned(&cursor) }
    return cursor.skip(Self.downHead) ? down(&cursor) : nil
  }

  private func spawned(_ cursor: inout FrameCursor) -> Meaning? {
    guard let number = cursor.callNumber(), cursor.skip(ownPid), cursor.skip(Self.byteTag),
      cursor.skip(count: 1), cursor.skip(theirPid), let id = cursor.word(),
      let serial = cursor.word(), cursor.skip(theirCreation), cursor.isAtEnd
    else { return nil }
    return .spawned(
      number, Term.Pid(node: peer.name, id: id, serial: serial, creation: peer.creation))
  }

  private func down(_ cursor: inout FrameCursor) -> Meaning? {
    guard cursor.skip(theirPid), cursor.skip(count: 8), cursor.skip(theirCreation),
      cursor.skip(ownPid), cursor.skip(reference), let number = cursor.callNumber(),
      !cursor.isAtEnd
    else { return nil }
    return cursor.skip(Self.returnHead)
      ? .returned(number, value: cursor.position) : .down(number, reason: cursor.position)
  }

  /// `SMALL_INTEGER_EXT`
  private static let byteTag: [UInt8] = [97]
}

/// A cursor over bytes. Reading beyond them gives nil.
private struct FrameCursor {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// - Returns: whether there were enough bytes.
  mutating func skip(count: Int) -> Bool {
    if count > bytes.count - position { return false }
    position += count
    return true
  }

  /// - Returns: whether these bytes stood there; otherwise the cursor does not move.
  mutating func skip(_ known: [UInt8]) -> Bool {
    if !bytes.has(known, at: position) { return false }
    position += known.count
    return true
  }

  mutating func word() -> UInt32? {
    guard skip(count: 4) else { return nil }
    return bytes[position - 4..<position].reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func callNumber() -> UInt64? {
    guard let low = word(), let high = word(), let last = word() else { return nil }
    return Session.number(of: low, high, last)
  }
}
