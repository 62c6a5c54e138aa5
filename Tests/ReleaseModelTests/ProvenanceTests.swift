import Events
import HomeLayout
import JSONText
import ReleaseModel
import TestSupport
import Testing

/// The provenance of a slug, which may come from any host.
struct ProvenanceTests {
  static let whole = Provenance(
    time: Timestamp(milliseconds: 1_795_000_000_123), by: "ana", folder: "/src/shop",
    commit: "c0ffee", line: "Sell tea", place: "/var/tmp/reltui-build")

  @Test func provenanceSurvivesItsFile() throws {
    #expect(try Provenance(bytes: Self.whole.bytes) == Self.whole)
    let least = Array(#"{"format":1,"time":"2026-11-21T07:05:09.042Z"}"#.utf8)
    let read = try Provenance(bytes: least)
    #expect(read.time?.description == "2026-11-21T07:05:09.042Z")
    #expect(
      [read.by, read.folder, read.commit, read.line, read.place] == [nil, nil, nil, nil, nil])
    // A later version of this format may add fields.
    let more = Array(#"{"format":1,"time":"2026-11-21T07:05:09.042Z","mood":[1]}"#.utf8)
    #expect(try Provenance(bytes: more) == read)
  }

  static let time = #""time":"2026-11-21T07:05:09.042Z""#

  static let refused: [(text: String, id: ProblemID, said: String)] = [
    ("", .slugProvenance, "not JSON"), ("{}", .slugProvenance, "format"),
    ("[]", .slugProvenance, "wrong type"),
    (#"{"format":2}"#, .formatNewer, "has format 2"),
    (#"{"format":1,"time":"yesterday"}"#, .slugProvenance, "time"),
    (#"{"format":1,\#(time),"by":1}"#, .slugProvenance, "by"),
    (
      #"{"format":1,\#(time),"line":"\#(String(repeating: "x", count: 4096))"}"#, .slugProvenance,
      "its 'line' is longer than 4095 bytes"
    ),
    (
      #"{"format":1,\#(time),"x":"\#(String(repeating: "x", count: 1 << 16))"}"#, .slugProvenance,
      "the file is longer than 64 KiB"
    ),
  ]

  @Test(arguments: refused.indices) func invalidProvenanceIsRefused(_ index: Int) {
    let (text, id, said) = Self.refused[index]
    let cause = #expect(throws: Cause.self) { try Provenance(bytes: Array(text.utf8)) }
    #expect(cause?.id == id.rawValue)
    #expect(
      cause?.sentence.hasPrefix(".reltui/provenance.json") == true
        && cause?.sentence.contains(said) == true, "\(cause?.sentence ?? "")")
  }
}
