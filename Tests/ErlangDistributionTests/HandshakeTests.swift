import ErlangTerm
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

struct HandshakeTests {
  static let node = NodeName.test("n@host")
  static let challenge: UInt32 = 12345
  static let ours: UInt32 = 4_294_967_295
  /// What Erlang's `erlang:md5("secret12345")` and `erlang:md5("secret4294967295")` are.
  static let digest: [UInt8] = [
    212, 4, 125, 62, 86, 230, 214, 214, 63, 125, 22, 184, 92, 210, 250, 136,
  ]
  static let answer: [UInt8] = [
    93, 253, 24, 30, 105, 170, 88, 124, 200, 18, 235, 51, 62, 101, 54, 182,
  ]

  static let named = Array("snamed:".utf8) + [0, 4] + Array("R1@h".utf8) + [0, 0, 0, 9]
  static let asked =
    Array("N".utf8) + [0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, 0x30, 0x39, 0, 0, 0, 7, 0, 6]
    + Array("n@host".utf8)
  static let acknowledged = Array("a".utf8) + answer
  static let good = [named, asked, acknowledged]

  /// Plays the messages.
  /// - Returns: the replies, and the result of the last message.
  static func play(
    _ messages: [[UInt8]], cookie: String = "secret"
  ) throws(DistributionError) -> (replies: [[UInt8]], result: Handshake.Result?) {
    guard let cookie = Cookie(cookie) else { return ([], nil) }
    var handshake = Handshake(node, cookie, challenge: ours)
    var replies: [[UInt8]] = []
    var result: Handshake.Result?
    for message in messages {
      let said = try handshake.receive(message)
      replies.append(said.reply)
      result = said.result
    }
    return (replies, result)
  }

  @Test func asksToBeNamed() throws {
    let handshake = Handshake(Self.node, try #require(Cookie("secret")), challenge: 1)
    let opening = handshake.opening(host: "vm")
    #expect(
      opening == [0, 17, 78, 0, 0, 0, 0x0F, 0x07, 0x47, 0x5F, 0xBC, 0, 0, 0, 0, 0, 2, 118, 109])
    let long = handshake.opening(host: String(repeating: "h", count: 70_000))
    #expect(long.count == 217)
    let overTLS = Handshake(Self.node, .test("secret"), challenge: 1, isOverTLS: true)
    #expect(overTLS.opening(host: "vm") == [0, 0] + opening)
  }

  @Test func provesTheCookieAndBelievesTheProof() throws {
    let (replies, result) = try Self.play(Self.good)
    let proof = [0, 21, UInt8(ascii: "r"), 255, 255, 255, 255] + Self.digest
    #expect(replies == [[], proof, []])
    #expect(
      result
        == Handshake.Result(
          peer: Peer(name: "n@host", creation: 7, flags: 1 << 32), ownName: "R1@h", ownCreation: 9))
  }

  /// What real nodes said to a client that had sent these challenges, and what it had answered.
  @Test(
    arguments: [
      ("otp25", "n25@127.0.0.1", 0x5fa3_e2c9, "d55906c5bd65d0c08f2ac937e1e95ee5"),
      ("otp28", "n28@127.0.0.1", 0xc4ee_dfbf, "80d5c00abf24dbca5caac59e0e356501"),
    ] as [(String, String, UInt32, String)])
  func understandsRealNodes(
    _ runtime: String, _ name: String, _ challenge: UInt32, _ proof: String
  ) throws {
    let cookie = try #require(Cookie("secret"))
    var handshake = Handshake(.test(name), cookie, challenge: challenge)
    #expect(try handshake.receive(Recorded.read(runtime + "-status")).reply == [])
    #expect(!handshake.isAnswered)
    let reply = try handshake.receive(Recorded.read(runtime + "-challenge")).reply
    #expect(reply.dropFirst(7).map { Self.hex($0) }.joined() == proof)
    #expect(handshake.isAnswered)
    let result = try handshake.receive(Recorded.read(runtime + "-acknowledgement")).result
    #expect(result?.peer.name == name)
    #expect(result.map { $0.peer.flags & Handshake.Flag.nameMe != 0 } == true)
    #expect(result?.ownName.hasSuffix("@vm") == true)
  }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  static let refusals: [(String, [[UInt8]], DistributionError)] = [
    ("not_allowed", [Array("snot_allowed".utf8)], .notAllowed(node)),
    ("nok", [Array("snok".utf8)], .notAllowed(node)),
    ("alive", [Array("salive".utf8)], .tooOld(node)),
    ("without a name", [Array("sok".utf8)], .tooOld(node)),
    ("simultaneous", [Array("sok_simultaneous".utf8)], .tooOld(node)),
    ("a status of its own", [Array("shello".utf8)], fault("an unknown status")),
    ("no status", [[110, 0]], fault("tag 110 for a status")),
    ("version 5", [named, [110, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]], .tooOld(node)),
    (
      "another node", [named, Array(asked.dropLast(6)) + Array("x@host".utf8)],
      .otherNode(wanted: node, found: "x@host")
    ),
    ("a wrong proof", [named, asked, Array("a".utf8) + digest], .wrongCookie(node)),
    ("no proof", [named, asked, Array("b".utf8) + answer], fault("tag 98 for an answer")),
    ("more", good + [acknowledged], fault("more than it should have")),
    (
      "our name is none", [Array("snamed:".utf8) + [0, 1, 65, 0, 0, 0, 1]],
      fault("a name that is none")
    ),
    (
      "our name is no text", [Array("snamed:".utf8) + [0, 3, 65, 64, 255, 0, 0, 0, 1]],
      fault("a name that is none")
    ),
    ("nothing", [[]], fault("too few bytes")),
  ]

  private static func fault(_ what: String) -> DistributionError { .malformed(.handshake(what)) }

  @Test(arguments: refusals)
  func saysWhyItFailed(_ what: String, _ messages: [[UInt8]], _ error: DistributionError) {
    #expect(throws: error, "\(what)") { try Self.play(messages) }
  }

  /// Our own cookie is the wrong one: the node's proof is not what we expect.
  @Test func anotherCookieIsNotBelieved() {
    #expect(throws: DistributionError.wrongCookie(Self.node)) {
      try Self.play(Self.good, cookie: "other")
    }
  }

  /// Whatever is cut off or changed, it is no success and no trap.
  @Test func everyTruncationIsRefused() {
    for (index, message) in Self.good.enumerated() {
      for count in message.indices {
        let messages = Self.good[..<index] + [Array(message[..<count])]
        #expect(throws: DistributionError.self, "\(index) \(count)") {
          try Self.play(Array(messages))
        }
      }
    }
  }
}

struct FrameReaderTests {
  static let messages: [[UInt8]] = [[1, 2, 3], [], [4], [UInt8](repeating: 9, count: 300)]

  private func stream(_ width: Int) -> [UInt8] {
    Self.messages.flatMap { message in
      (0..<width).reversed().map { UInt8(truncatingIfNeeded: message.count >> ($0 * 8)) } + message
    }
  }

  @Test(arguments: [2, 4])
  func cutsWhereverTheBytesWereCut(_ width: Int) throws {
    let bytes = stream(width)
    for cut in 0...bytes.count {
      var reader = FrameReader(width: width, limit: 300)
      var found: [[UInt8]] = []
      for part in [bytes[..<cut], bytes[cut...]] {
        reader.append(Array(part))
        while let message = try reader.next() { found.append(message) }
      }
      #expect(found == Self.messages, "cut at \(cut)")
    }
  }

  @Test func cutsByteByByte() throws {
    var reader = FrameReader(width: 4, limit: 300)
    var found: [[UInt8]] = []
    for byte in stream(4) {
      reader.append([byte])
      while let message = try reader.next() { found.append(message) }
    }
    #expect(found == Self.messages)
  }

  @Test func refusesWhatIsTooLongBeforeItIsThere() {
    var reader = FrameReader(width: 4, limit: 300)
    reader.append([0, 0, 1, 45])
    #expect(throws: DistributionError.malformed(.frameTooLarge(bytes: 301, limit: 300))) {
      try reader.next()
    }
    var widest = FrameReader(width: 4, limit: 300)
    widest.append([255, 255, 255, 255])
    #expect(throws: DistributionError.self) { try widest.next() }
  }

  /// What has been read is given up, however the pieces fall.
  @Test func keepsNoMoreThanItNeeds() throws {
    var reader = FrameReader(width: 4, limit: 1 << 20)
    let message: [UInt8] = [0, 0, 3, 232] + [UInt8](repeating: 1, count: 1000)
    var rest: [UInt8] = []
    for _ in 0..<10_000 {
      rest += message
      reader.append(Array(rest.prefix(999)))
      rest.removeFirst(min(999, rest.count))
      while try reader.next() != nil {}
    }
    #expect(reader.held < 1 << 18)
  }
}
