import Events
import HomeLayout
import TestSupport

/// A generator of log lines: members in any order, twice, unknown or of a wrong type, and texts
/// escaped in every way.
struct RandomLine {
  private var scramble: Scramble

  init(_ seed: UInt64) { scramble = Scramble(seed) }

  mutating func next() -> [UInt8] {
    let types = EventType.allCases.map(\.rawValue) + ["something.new"]
    let type = types[pick(types.count)]
    var members = [
      ("seq", quoted(String(UInt64.random(in: 0...(.max), using: &scramble) >> UInt64(pick(64))))),
      ("id", text()), ("time", quoted(moment())), ("type", quoted(type)),
    ]
    for (name, value) in [("source", text()), ("subject", text()), ("specversion", "\"1.0\"")]
    where pick(4) > 0 {
      members.append((name, pick(10) == 0 ? "null" : value))
    }
    if pick(10) > 0 { members.append(("data", object(data()))) }
    return Array(object(members).utf8)
  }

  /// A line with some of its bytes changed, cut off or doubled.
  mutating func spoil(_ line: [UInt8]) -> [UInt8] {
    var line = line
    let bytes = Array("{}[]\",:\\/0123456789eE.+-tfnu \u{1}é".utf8) + [0x80, 0xC0, 0xED, 0xFF, 0]
    for _ in 0...pick(3) where !line.isEmpty {
      let place = pick(line.count)
      switch pick(6) {
      case 0, 1: line[place] = bytes[pick(bytes.count)]
      case 2: line.insert(bytes[pick(bytes.count)], at: place)
      case 3: line.remove(at: place)
      case 4: line.insert(contentsOf: line[place...].prefix(pick(40)), at: place)
      default: if pick(4) == 0 { line.removeSubrange(place...) }
      }
    }
    return line
  }

  private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &scramble) }

  private mutating func data() -> [(String, String)] {
    EventData.Field.allCases.filter { _ in pick(4) == 0 }.map { field in
      (field.rawValue, pick(60) == 0 ? anything(3) : value(field))
    }
  }

  private mutating func value(_ field: EventData.Field) -> String {
    switch field {
    case .by, .request, .build, .slug, .config, .base, .node, .step, .commit, .line, .folder,
      .aside, .action, .application, .level, .message, .domain, .parent:
      text()
    case .deadline, .occurred, .since: quoted(moment())
    case .release, .from: quoted("v\(1 + pick(99))")
    case .origin: quoted("shop/v\(1 + pick(99))")
    case .set, .unset, .missing, .exclusive, .kept, .removed:
      array((0..<pick(4)).map { _ in text() })
    case .formation, .limits, .boot, .phases, .drain:
      object((0..<pick(4)).map { _ in (word(), String(pick(100))) })
    case .settings: object((0..<pick(4)).map { _ in (word(), text()) })
    case .instance: quoted("web.\(1 + pick(9999))")
    case .run: String(UInt64.random(in: 0...(.max), using: &scramble) >> UInt64(pick(64)))
    case .pid, .exit, .signal: String(Int32(pick(1 << 32) - 1 << 31))
    case .port: String(pick(1 << 16))
    case .standby, .cluster, .phase, .fork: pick(2) == 0 ? "true" : "false"
    case .milliseconds, .observe, .lease:
      String(Int64.random(in: .min...(.max), using: &scramble) >> pick(64))
    case .size, .batch, .pull: String(pick(.max))
    case .cause: cause()
    }
  }

  private mutating func cause() -> String {
    var members = [("id", quoted("RT-CRASHED")), ("sentence", text())]
    if pick(2) == 0 { members.append(("remedy", text())) }
    if pick(2) == 0 {
      members.append(("facts", object((0..<pick(4)).map { _ in (word(), text()) })))
    }
    if pick(2) == 0 {
      let evidence = (0..<pick(3)).map { _ in
        object([("kind", quoted("log")), ("where", text()), ("text", text())])
      }
      members.append(("evidence", array(evidence)))
    }
    return object(members)
  }

  private mutating func anything(_ depth: Int) -> String {
    switch pick(depth > 0 ? 9 : 7) {
    case 0: "null"
    case 1: "true"
    case 2: "false"
    case 3: text()
    case 4: String(Int64.random(in: .min...(.max), using: &scramble) >> pick(64))
    case 5: "\(pick(2000) - 1000).\(pick(10) * 50)"
    case 6: "\(pick(20))e\(pick(40) - 20)"
    case 7: array((0..<pick(4)).map { _ in anything(depth - 1) })
    default: object((0..<pick(4)).map { _ in (word(), anything(depth - 1)) })
    }
  }

  /// The members in random order, sometimes with an unknown or repeated one.
  private mutating func object(_ members: [(String, String)]) -> String {
    var members = members.shuffled(using: &scramble)
    if pick(4) == 0 { members.append((word(), anything(2))) }
    if pick(8) == 0, let some = members.randomElement(using: &scramble) {
      members.append((some.0, anything(1)))
    }
    let texts = members.map { quoted($0.0) + space() + ":" + space() + $0.1 }
    return "{" + space() + texts.joined(separator: space() + "," + space()) + space() + "}"
  }

  private mutating func array(_ elements: [String]) -> String {
    "[" + space() + elements.joined(separator: space() + "," + space()) + space() + "]"
  }

  private mutating func space() -> String { pick(12) == 0 ? [" ", "\n", "\t\r "][pick(3)] : "" }

  private mutating func word() -> String { ["a", "web", "é", "e\u{301}", "by", ""][pick(6)] }

  private mutating func moment() -> String {
    let moment = Timestamp(milliseconds: Int64(pick(4_000_000_000_000)))
    switch pick(40) {
    case 0: return "2026-11-21T07:05Z"
    case 1: return moment.description.replacing("Z", with: "+05:30")
    case 2: return "yesterday"
    default: return moment.description
    }
  }

  private mutating func text() -> String {
    if pick(200) == 0 { return #""a\ud83d""# }
    return quoted(pick(2) == 0 ? "Charge in cents" : scramble.text(pick(20)))
  }

  /// A JSON string with as few escapes as possible, or with escapes at random.
  private mutating func quoted(_ text: String) -> String {
    let style = pick(20)
    let units = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case "\n" where style % 2 == 0: "\\n"
      case "/" where style % 2 == 0: "\\/"
      case "\0"..<" ": Self.escaped(scalar)
      default: style == 0 ? Self.escaped(scalar) : String(scalar)
      }
    }
    return "\"" + units.joined() + "\""
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    UTF16.encode(scalar).map { units in
      units.map {
        "\\u" + String(0x10000 + UInt32($0), radix: 16, uppercase: $0 % 2 == 0).dropFirst()
      }
      .joined()
    } ?? ""
  }
}
