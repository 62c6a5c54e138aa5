import ConfigStore
import Events
import Testing

/// Files of `NAME=VALUE` lines.
struct EnvironmentFileTests {
  static let read: [(text: String, values: [String: String])] = [
    ("", [:]), ("\n# a comment\n   \t# another\n\n", [:]),
    ("A=1\nB = two words \r\nA=3", ["A": "3", "B": "two words"]),
    ("export A=1\nexport  B=2\nexport=3", ["A": "1", "B": "2", "export": "3"]),
    ("A=\nB=''\nC=\"\"", ["A": "", "B": "", "C": ""]),
    ("A=it's # no comment", ["A": "it's # no comment"]),
    (#"A='a "b" \n $HOME' # here"#, ["A": #"a "b" \n $HOME"#]),
    (#"A="a \"b\" \n \$HOME \\ \x $(id)"  "#, ["A": "a \"b\" \n $HOME \\ \\x $(id)"]),
    ("A=`id`$(id)${HOME}", ["A": "`id`$(id)${HOME}"]),
    ("A=é\u{301}'\"", ["A": "é\u{301}'\""]),
  ]

  @Test(arguments: read.indices) func isRead(_ index: Int) throws {
    let (text, values) = Self.read[index]
    #expect(try EnvironmentFile.values(in: Array(text.utf8), called: "x") == values)
  }

  static let refused: [(bytes: [UInt8], said: String)] = [
    (Array("A=1\n\nB".utf8), "3: there is no '=' between name and value"),
    (Array("export A".utf8), "1: there is no '=' between name and value"),
    (Array("1A=1".utf8), "1: what stands before '=' cannot be a variable's name"),
    (Array("=1".utf8), "1: what stands before '=' cannot be a variable's name"),
    (Array("A-B=1".utf8), "1: what stands before '=' cannot be a variable's name"),
    (Array("Ä=1".utf8), "1: what stands before '=' cannot be a variable's name"),
    (Array("A='x\ny'".utf8), "1: a quote is not closed in this line"),
    (Array(#"A="x\""#.utf8), "1: a quote is not closed in this line"),
    (Array("A='x'y".utf8), "1: there is text after the closing quote"),
    (Array("A=1\nB=".utf8) + [0xFF], "2: it is not UTF-8, or holds a zero byte"),
    (Array("A=".utf8) + [0], "1: it is not UTF-8, or holds a zero byte"),
  ]

  @Test(arguments: refused.indices) func isRefused(_ index: Int) {
    let (bytes, said) = Self.refused[index]
    let cause = #expect(throws: Cause.self) {
      try EnvironmentFile.values(in: bytes, called: "secrets.env")
    }
    #expect(cause?.sentence == "secrets.env:" + said && cause?.id == "RT-BUILD-FILE")
  }
}
