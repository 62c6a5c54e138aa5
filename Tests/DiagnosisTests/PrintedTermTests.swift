import Testing

@testable import Diagnosis

/// Terms as a VM prints them, which `TextFormat` alone does not read.
@Suite struct PrintedTermTests {
  static let cases: [(printed: String, read: String?)] = [
    ("{a,<0.12.0>,b}", "{a,'<0.12.0>',b}"),
    ("#Ref<0.1.2>", "'#Ref<0.1.2>'"),
    ("{f,#Fun<shop.0.1>} and more", "{f,'#Fun<shop.0.1>'}"),
    (#"{a,<<"x">>,[{b,1}|...]}"#, #"{a,<<"x">>,[{b,1}|'...']}"#),
    ("{a,[b,{c", "{a,[b,{c}]}"),
    // The beginning of a text may be that of a value.
    (#"{a,"cut"#, "{a,'...'}"), (#"{a,<<"cut"#, "{a,'...'}"), ("{a,[99,117", "{a,'...'}"),
    ("{a,<<99,1", "{a,'...'}"), (#"{a,['c"#, "{a,['...']}"),
    ("({", nil),
    ("{load_failed,[Elixir.Ledger]}", "{load_failed,['Elixir.Ledger']}"),
    (
      "{,[{Elixir.Config,read!,2,[{_},{_}]}]}",
      "{'...',[{'Elixir.Config','read!',2,[{'_'},{'_'}]}]}"
    ),
    ("{«FAULT»,1}", "{'«FAULT»',1}"),
    ("", nil), ("}", nil), ("\"", "'...'"),
  ]

  @Test(arguments: cases) func isRead(_ row: (printed: String, read: String?)) {
    #expect(PrintedTerm.read(row.printed)?.description == row.read)
  }

  /// The mark of a masked value is text, though the VM printed bytes.
  @Test func aMaskedValueInABinaryIsText() {
    #expect(PrintedTerm.read(#"<<"no «KEY» here">>"#)?.text == "no «KEY» here")
  }

  @Test func hostileTextEnds() {
    for text in [
      String(repeating: "{", count: 100_000), String(repeating: "<<\"", count: 10_000),
      String(repeating: "[a,", count: 50_000), "'" + String(repeating: "\\", count: 99_999),
      String(repeating: "#<", count: 50_000),
    ] { _ = PrintedTerm.read(text) }
  }
}
