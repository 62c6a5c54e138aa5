import ErlangTerm
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Whatever comes, nothing traps, nothing grows without bound, and an error has its sentence. What real nodes sent is
/// changed again and again; `make fuzz` does it for long and begins elsewhere each time.
@Suite(.serialized) struct FuzzTests {
  private static let seconds = Environment.current["RELTUI_FUZZ"].flatMap { Int64($0) }

  /// Runs one input after the other until the time is up.
  private func fuzz(_ what: String, _ once: (inout Scramble) throws -> Void) throws {
    let seed = Self.seconds == nil ? 7 : UInt64(Clock.now())
    var random = Scramble(seed)
    let end = Clock.monotonic() + (Self.seconds.map { $0 * 1000 } ?? 400)
    var inputs = 0
    // On a busy machine one input may take all the time.
    while Clock.monotonic() < end || inputs <= 10 {
      inputs += 1
      do { try once(&random) } catch {
        Issue.record("\(what), seed \(seed), input \(inputs): \(error)")
        return
      }
    }
    #expect(inputs > 10)
  }

  private func odd(_ text: String) -> Played.Odd { Played.Odd(text: text) }

  /// Every error of ours says something.
  private func expecting(_ body: () throws -> Void) throws {
    do { try body() } catch let error as DistributionError {
      if error.sentence.isEmpty { throw odd("no sentence for \(error)") }
    }
  }

  @Test func terms() throws {
    let terms = try Recorded.frames().flatMap { frame -> [[UInt8]] in
      let (_, end) = try ExternalFormat.decode(frame, from: 1)
      return [Array(frame[1..<end]), Array(frame[end...])].filter { !$0.isEmpty }
    }
    var survivors = 0
    try fuzz("terms") { random in
      let input = random.mutate(terms[Int.random(in: terms.indices, using: &random)])
      guard let term = try? ExternalFormat.decode(input) else { return }
      survivors += 1
      let again = try ExternalFormat.decode(ExternalFormat.encode(term))
      if again != term { throw odd("\(input) reads as \(term), then as \(again)") }
      if "\(term)".isEmpty { throw odd("\(input) prints as nothing") }
    }
    #expect(survivors > 0)
  }

  @Test func frames() throws {
    let stream = try Recorded.frames().flatMap { FakeNode.length($0.count, 4) + $0 }
    try fuzz("frames") { random in
      let input = random.mutate(stream)
      var reader = FrameReader(width: 4, limit: 1 << 16)
      var (rest, taken) = (input[...], 0)
      try expecting {
        while !rest.isEmpty {
          let part = rest.prefix(Int.random(in: 1...4096, using: &random))
          rest = rest.dropFirst(part.count)
          reader.append(Array(part))
          while let frame = try reader.next() { taken += frame.count + 4 }
          if reader.held > 1 << 18 { throw odd("\(reader.held) bytes held") }
        }
      }
      if taken > input.count { throw odd("\(taken) bytes of \(input.count)") }
    }
  }

  @Test func handshakes() throws {
    try fuzz("handshakes") { random in
      let messages = HandshakeTests.good.map {
        Bool.random(using: &random) ? random.mutate($0) : $0
      }
      try expecting {
        let result = try HandshakeTests.play(messages).result
        if result != nil, messages[2] != HandshakeTests.acknowledged {
          throw odd("\(messages) is believed")
        }
      }
    }
  }

  @Test func controls() throws {
    let frames = try Recorded.frames()
    try fuzz("controls") { random in
      let input = random.mutate(frames[Int.random(in: frames.indices, using: &random)])
      try expecting { _ = try Control(frame: input) }
    }
  }

  @Test func endsOfCalls() throws {
    let frames = try CallFramesTests.frames()
    let inputs =
      [try CallFramesTests.spawned()]
      + (try CallFramesTests.reasons.map { try CallFramesTests.down($0) })
    var short = 0
    try fuzz("ends of calls") { random in
      let input = random.mutate(inputs[Int.random(in: inputs.indices, using: &random)])
      try expecting { if try CallFramesTests.agree(input, frames) { short += 1 } }
    }
    #expect(short > 0)
  }

  /// A session that has called and is answered with nonsense, and the clock that goes on.
  @Test func sessions() throws {
    let frames = try Recorded.frames()
    var handshake = Handshake(
      .test("n28@127.0.0.1"), .test("secret"), challenge: 0xc4ee_dfbf)
    var result: Handshake.Result?
    for name in ["status", "challenge", "acknowledgement"] {
      result = try handshake.receive(Recorded.read("otp28-" + name)).result
    }
    let identity = try #require(result)
    var events = 0
    try fuzz("sessions") { random in
      var session = Session(identity, now: 0)
      var (now, asked) = (Int64(0), 0)
      try expecting {
        for _ in 0..<50 {
          now += .random(in: 0...400, using: &random)
          asked += try ask(&session, now: now, &random)
          let frame = frames[Int.random(in: frames.indices, using: &random)]
          let input = Bool.random(using: &random) ? random.mutate(frame) : frame
          _ = session.takeOutput()
          // What cannot be understood ends a connection, but here it goes on.
          do throws(DistributionError) {
            if try session.receive(input, now: now) != nil { events += 1 }
          } catch { if error.sentence.isEmpty { throw odd("no sentence for \(error)") } }
          let said = session.takeOutput().count
          if said > 8 * input.count + 4096 { throw odd("\(said) bytes for \(input.count)") }
          if session.held > asked + Session.mostPrintings { throw odd("\(session.held) held") }
          if now >= session.nextTick { _ = try session.tick(now: now) }
        }
      }
    }
    #expect(events > 0)
  }

  /// - Returns: how much more it may remember.
  private func ask(
    _ session: inout Session, now: Int64, _ random: inout Scramble
  ) throws -> Int {
    switch Int.random(in: 0..<5, using: &random) {
    case 0...2:
      let limit = Int64.random(in: 0...5000, using: &random)
      let id = try session.call(RemoteCall("m", "f", limit: limit), now: now)
      if Int.random(in: 0..<8, using: &random) == 0 { session.cancel(id, now: now) }
    case 3: _ = session.openMailbox()
    default: return 0
    }
    return 1
  }
}
