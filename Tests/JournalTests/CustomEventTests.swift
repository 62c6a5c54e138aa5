import EventLog
import Events
import HomeLayout
import Journal
import TestSupport
import Testing

struct CustomEventTests {
  private static func id(_ body: () throws -> CustomEvent) -> String? {
    do { _ = try body() } catch { return (error as? Cause)?.id }
    return nil
  }

  @Test(arguments: [
    "a.b", "ci.tests.passed", "CI-2.x_y", "a.b.c.d", "buildx.done", "xlog.repaired",
  ])
  func otherPrefixesAreAccepted(_ type: String) throws {
    #expect(try CustomEvent(type: type).type == type)
  }

  @Test func ownTypesAreRefused() {
    for type in EventType.allCases {
      #expect(Self.id { try CustomEvent(type: type.rawValue) } == "RT-EVENT-TYPE", "\(type)")
      let first = type.rawValue.split(separator: ".")[0]
      for other in ["\(first).anything", "\(first.uppercased()).x", "\(first).\(first)"] {
        #expect(Self.id { try CustomEvent(type: other) } == "RT-EVENT-TYPE", "\(other)")
      }
    }
  }

  @Test(arguments: [
    "", "a", ".", "a.", ".a", "a..b", "a b.c", "a.b\n", "a.é", "a.\u{1B}", "reltui.x", "RelTUI.x",
    "a." + String(repeating: "b", count: 127), "a/b.c",
  ])
  func invalidTypesAreRefused(_ type: String) {
    #expect(Self.id { try CustomEvent(type: type) } == "RT-EVENT-TYPE")
  }

  @Test func limitsAreExact() throws {
    _ = try CustomEvent(type: "a." + String(repeating: "b", count: 126))
    func data(_ count: Int) -> [UInt8] {
      Array("{ \"a\": \"\(String(repeating: "x", count: count - 8))\" }".utf8)
    }
    #expect(try CustomEvent(type: "a.b", data: data(65_536)).data.count == 65_536)
    #expect(Self.id { try CustomEvent(type: "a.b", data: data(65_537)) } == "RT-EVENT-DATA")
    #expect(Self.id { try CustomEvent(type: "a.b", app: "../x") } == "RT-APP-NAME")
    for data in ["[]", "1", "null", "{} {}", "{", ""] {
      #expect(Self.id { try CustomEvent(type: "a.b", data: Array(data.utf8)) } == "RT-EVENT-DATA")
    }
    let deep = String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64)
    _ = try CustomEvent(line: Array(#"{"type":"a.b","data":\#(deep)}"#.utf8))
    let deeper = #"{"type":"a.b","data":{"a":\#(deep)}}"#
    #expect(Self.id { try CustomEvent(line: Array(deeper.utf8)) } == "RT-EVENT-DATA")
  }

  @Test func linesHaveTypeAppAndData() throws {
    let event = try CustomEvent(
      line: Array(#" {"data": { "n" : 1.0 }, "app":"shop", "type":"a\u002eb"} "#.utf8))
    #expect(event.type == "a.b" && event.app == "shop")
    #expect(String(decoding: event.data, as: UTF8.self) == #"{"n":1.0}"#)
    #expect(try CustomEvent(line: Array(#"{"type":"a.b"}"#.utf8)).data == Array("{}".utf8))
  }

  @Test(arguments: [
    "", "{}", "[]", "a.b", #"{"type":1}"#, #"{"type":"a.b","type":"a.c"}"#,
    #"{"type":"a.b","sequence":3}"#, #"{"type":"a.b","app":null}"#, #"{"type":"a.b","data":[]}"#,
    #"{"type":"a.b","data":"{}"}"#, #"{"type":"a.b"}}"#,
  ])
  func invalidLinesAreRefused(_ line: String) {
    #expect(Self.id { try CustomEvent(line: Array(line.utf8)) } == "RT-EVENT-DATA")
  }

  @Test func dataIsShownUnchanged() throws {
    let folder = try TemporaryFolder("custom", inMemory: true)
    let journal = EventJournal(home: Home(root: folder.path), program: "test")
    let data = #"{"n":1.50e2,"who":"ana b","by":7,"x":[1,{"y":null}],"two":"a\nb","z":"ü"}"#
    let numbers = try journal.append(custom: [
      CustomEvent(type: "ci.done", app: "shop", data: Array(data.utf8)),
      CustomEvent(type: "ci.idle"),
    ])
    #expect(numbers == [1, 2])
    var reader = Reader(journal.log)
    let events = try reader.next().map { Event($0) }
    #expect(
      events.map(\.summary) == [
        #"n=1.50e2 who=ana b by=7 x=[1,{"y":null}] two="a\nb" z=ü"#, "",
      ])
    #expect(events.map(\.app) == ["shop", nil] && events.allSatisfy { $0.type == nil })
  }
}
