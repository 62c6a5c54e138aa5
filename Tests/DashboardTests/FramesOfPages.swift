import NodeModel
import Posix
import TestSupport
import Testing

/// The screens in README.md and the guide are drawn by the views. A page names a screen in a comment,
/// `<!-- screen: boot -->`, and the block of code below it holds the screen.
struct FramesOfPagesTests {
  static let pages = ["README.md", "docs/guide/operate.md"]

  static let screens: [String: [String]] = [
    "apps": Story().text,
    "nodes": played(["g", "j", "2"]),
    "boot": played(["g", "4"]),
  ]

  private static func played(_ keys: [String]) -> [String] {
    var story = Story(nodes: NodeReport.night)
    story.play(keys)
    return story.text
  }

  @Test(arguments: pages)
  func framesOfPages(page: String) throws {
    let file = Workspace.root + "/" + page
    let kept = String(decoding: try Files.read(file), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var lines: [String] = []
    var count = 0
    var rest = kept[...]
    while let line = rest.popFirst() {
      lines.append(line)
      guard let name = line.firstMatch(of: /^<!-- screen: (.+) -->$/)?.1 else { continue }
      let screen = try #require(Self.screens[String(name)], "no screen '\(name)'")
      #expect(rest.popFirst() == "```")
      lines += ["```"] + screen + ["```"]
      rest = rest.drop { $0 != "```" }.dropFirst()
      count += 1
    }
    #expect(count > 0)
    try Golden.expect(lines.dropLast(), page, variable: "UPDATE_DOCS")
  }
}
