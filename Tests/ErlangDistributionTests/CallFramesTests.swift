import ErlangTerm
import TestSupport
import Testing

@testable import ErlangDistribution

/// The short way to read what ends a call says the same as the long one, or nothing.
struct CallFramesTests {
  private static let own = Term.Pid(node: Played.ownName, id: 1, serial: 0, creation: 5)

  static func reference(_ words: [UInt32]) -> Term {
    .reference(Term.Reference(node: Played.ownName, creation: 5, words: words))
  }

  static func frames() throws -> CallFrames {
    try CallFrames(Played.identity.peer, own: own, reference([0, 0, 0]))
  }

  static func spawned(
    _ reference: Term = reference([7, 1, 0]), to own: Term.Pid = own,
    result: Term = .pid(Played.process)
  ) throws -> [UInt8] {
    try frame([.integer(31), reference, .pid(own), .integer(2), result])
  }

  static func down(
    _ reason: String, of reference: Term = reference([7, 1, 0]),
    from process: Term = .pid(Played.process)
  ) throws -> [UInt8] {
    try frame([.integer(28), process, .pid(own), reference], term(reason))
  }

  static let reasons = [
    "{0,return,ok}", "{0,return,[]}", "{0,error,badarg,[]}", "{0,return}", "{1,return,ok}",
    "killed",
    "{0,return,{0,return,\"text\"}}",
  ]

  /// Reads both ways.
  /// - Returns: whether there was a short way.
  static func agree(_ frame: [UInt8], _ frames: CallFrames) throws -> Bool {
    guard let meaning = frames.meaning(of: frame) else { return false }
    let expected: Control
    switch meaning {
    case .spawned(let number, let process):
      expected = .spawned(request: Self.request(number), .pid(process))
    case .down(let number, let start):
      expected = told(
        number, Result { () throws(TermError) in try Control.payload(of: frame, from: start) })
    case .returned(let number, let start):
      let value = Result { () throws(TermError) in
        try Control.payload(of: frame, from: start, isInner: true)
      }
      expected = told(number, value.map { .tuple([.integer(0), .atom("return"), $0]) })
    }
    let control = try Control(frame: frame)
    if control != expected { Issue.record("\(frame) is \(control), and in short \(expected)") }
    return true
  }

  private static func told(_ number: UInt64, _ reason: Result<Term, TermError>) -> Control {
    switch reason {
    case .success(let term): .down(request(number), reason: term)
    case .failure(let error):
      .unreadableDown(request(number), error)
    }
  }

  private static func request(_ number: UInt64) -> Term.Reference {
    Term.Reference(
      node: Played.ownName, creation: 5,
      words: [Session.lowWord(of: number), Session.highWord(of: number), 0])
  }

  @Test func readsThatAProcessHasBegun() throws {
    let bytes = try Self.spawned()
    let frames = try Self.frames()
    #expect(frames.meaning(of: bytes) == .spawned(1 << 18 | 7, Played.process))
    #expect(frames.spawnedLength == bytes.count + 4)
    #expect(try Self.agree(bytes, frames))
  }

  @Test(arguments: reasons) func readsHowACallEnded(_ reason: String) throws {
    let bytes = try Self.down(reason)
    #expect(try Self.agree(bytes, try Self.frames()))
    // It is what a session waits for, with its length.
    #expect(bytes.count > (try Self.frames()).spawnedLength - 4)
  }

  @Test func leavesOtherFormsToTheLongWay() throws {
    let other = Term.Pid(node: "other@host", id: 1, serial: 0, creation: 7)
    let sibling = Term.Pid(node: Played.ownName, id: 2, serial: 0, creation: 5)
    let reborn = Term.Pid(node: "n@host", id: 1, serial: 0, creation: 8)
    let foreign = Term.reference(
      Term.Reference(node: "R2@host", creation: 5, words: [7, 1, 0]))
    let all = [
      try Self.spawned(Self.reference([1 << 18, 0, 0])), try Self.spawned(foreign),
      try Self.spawned(to: other), try Self.spawned(to: sibling),
      try Self.spawned(Self.reference([7, 1, 1])),
      try Self.spawned(result: .atom("system_limit")), try Self.spawned(result: .pid(other)),
      try Self.spawned(result: .pid(reborn)), try Self.spawned() + [0],
      try Self.down("killed", from: .atom("name")), try Self.down("killed", from: .pid(other)),
      try Self.down("killed", from: .pid(reborn)), try Self.down("killed", of: foreign), [], [112],
    ]
    for bytes in all { #expect(try Self.frames().meaning(of: bytes) == nil, "\(bytes)") }
  }

  @Test func everyTruncationIsSurvived() throws {
    let frames = try Self.frames()
    for bytes in [try Self.spawned(), try Self.down("{0,return,ok}")] {
      for count in bytes.indices { _ = try Self.agree(Array(bytes[..<count]), frames) }
    }
  }

  /// A refusal is shorter than what a client's read waits for.
  @Test func aShortRefusalIsHeardToo() throws {
    let server = try FakeNode.serving { client in
      let (reference, _) = try FakeNode.request(client)
      let refusal = try Self.spawned(reference, result: .atom("system_limit"))
      try FakeNode.say(refusal, client, width: 4)
      try FakeNode.linger(client)
    }
    var client = try Client(
      to: NodeAddress(name: FakeNode.name, door: .port(server.port)), cookie: FakeNode.cookie)
    #expect(try client.call(RemoteCall("m", "f")) == .refused(.atom("system_limit")))
  }
}
