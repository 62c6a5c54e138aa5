import ErlangTerm
import Testing

@testable import ErlangDistribution

struct ControlTests {
  static let pid = Term.Pid(node: "n@host", id: 1, serial: 2, creation: 3)
  static let reference = Term.Reference(node: "R@h", creation: 4, words: [1, 2, 3])

  /// `P` and `R` in a text stand for a pid and a reference.
  private static func terms(_ text: String) throws -> [Term] {
    func fill(_ term: Term) -> Term {
      switch term {
      case .atom("P"): .pid(pid)
      case .atom("R"): .reference(reference)
      case .tuple(let parts): .tuple(parts.map(fill))
      default: term
      }
    }
    return fill(try term("{\(text)}")).tuple ?? []
  }

  static let messages: [(String, Term?, Control)] = [
    ("2,'','P'", .atom("hi"), .send(to: pid, .atom("hi"))),
    ("12,'','P',token", .atom("hi"), .send(to: pid, .atom("hi"))),
    ("22,'P','P'", .atom("hi"), .send(to: pid, .atom("hi"))),
    ("6,'P','',name", .atom("hi"), .sendToName("name", from: pid, .atom("hi"))),
    ("16,'P','',name,token", .atom("hi"), .sendToName("name", from: pid, .atom("hi"))),
    ("21,'P','P','R',gone", nil, .down(reference, reason: .atom("gone"))),
    ("28,'P','P','R'", .atom("gone"), .down(reference, reason: .atom("gone"))),
    ("28,name,'P','R'", .atom("gone"), .down(reference, reason: .atom("gone"))),
    ("31,'R','P',0,'P'", nil, .spawned(request: reference, .pid(pid))),
    ("32,'R','P',0,notsup,token", nil, .spawned(request: reference, .atom("notsup"))),
    ("3,'P','P',why", nil, .exit(from: pid, to: pid)),
    ("24,'P','P'", .atom("why"), .exit(from: pid, to: pid)),
    ("26,'P','P'", .atom("why"), .exit(from: pid, to: pid)),
    ("8,'P','P',why", nil, .exit(from: pid, to: pid)),
    ("35,17,'P','P'", nil, .unlink(id: .integer(17), from: pid, to: pid)),
    ("19,'P',name,'R'", nil, .monitor(name: "name", from: pid, reference)),
    ("19,'P','P','R'", nil, .other),
    ("29,'R','P','P',{m,f,0},[]", .list([]), .spawn(request: reference, from: pid)),
    ("1,'P','P'", nil, .other), ("20,'P','P','R'", nil, .other), ("7,'P','P'", nil, .other),
    ("36,17,'P','P'", nil, .other), ("33,'P','R'", .atom("x"), .other),
  ]

  @Test(arguments: messages)
  func reads(_ text: String, _ payload: Term?, _ meaning: Control) throws {
    #expect(try Control(frame: frame(Self.terms(text), payload)) == meaning)
  }

  @Test(arguments: [
    "2,'',name", "2", "6,'P','','P'", "6,name,'',name", "21,'P','P',x,gone", "21,'P','P','R'",
    "28,'P','P'", "31,x,'P',0,'P'", "31,'R','P',0", "3,'P',x", "3,'P'", "35,17,x,'P'", "35,17",
    "19,'P',name", "19,x,name,'R'", "29,'P','P'", "29",
  ])
  func refusesWrongForms(_ text: String) throws {
    let number = text.prefix { $0 != "," }
    #expect(throws: DistributionError.malformed(.control("of a wrong form, \(number)"))) {
      try Control(frame: frame(Self.terms(text), .atom("payload")))
    }
  }

  @Test func refusesWhatMustHaveAPayload() throws {
    for text in ["2,'','P'", "28,'P','P','R'"] {
      #expect(throws: DistributionError.self, "\(text)") {
        try Control(frame: frame(Self.terms(text)))
      }
    }
  }

  @Test(
    arguments: [
      ([], .unknownForm(0)), ([131, 68, 0], .unknownForm(131)),
      ([112], .term(.external(.truncated(missing: 1), offset: 1))),
      ([112, 131, 97, 2], .control("no tuple")), ([112, 131, 104, 0], .control("no tuple")),
      ([112, 131, 104, 1, 97, 99], .control("of an unknown kind, 99")),
      ([112, 131, 104, 1, 106], .control("no tuple")),
    ] as [([UInt8], DistributionError.Fault)])
  func refusesGarbage(_ bytes: [UInt8], _ fault: DistributionError.Fault) {
    #expect(throws: DistributionError.malformed(fault)) { try Control(frame: bytes) }
  }

  /// A term of some process that we cannot read is not the end of the connection.
  @Test(arguments: [[131, 80, 1], [131, 97, 1, 0], [0], [131]] as [[UInt8]])
  func aPayloadThatCannotBeReadConcernsItsReceiverAlone(_ payload: [UInt8]) throws {
    let send = try Control(frame: frame(Self.terms("2,'','P'")) + payload)
    guard case .unreadableSend(Self.pid, _) = send else {
      Issue.record("\(send)")
      return
    }
    let down = try Control(frame: frame(Self.terms("28,'P','P','R'")) + payload)
    guard case .unreadableDown(Self.reference, _) = down else {
      Issue.record("\(down)")
      return
    }
    #expect(try Control(frame: frame(Self.terms("6,'P','',name")) + payload) == .other)
  }

  @Test func readsWhatRealNodesSent() throws {
    for bytes in try Recorded.frames() { _ = try Control(frame: bytes) }
  }

  @Test func everyTruncationOfWhatRealNodesSentIsSurvived() throws {
    for bytes in try Recorded.frames() {
      for count in bytes.indices { _ = try? Control(frame: Array(bytes[..<count])) }
    }
  }

  @Test func framesHaveTheirLength() throws {
    let bytes = try Control.frame(.send, [.atom(""), .pid(Self.pid)], .atom("x"))
    #expect(bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } == bytes.count - 4)
    #expect(try Control(frame: Array(bytes.dropFirst(4))) == .send(to: Self.pid, .atom("x")))
  }
}
