import Dashboard
import NodeModel
import Terminal
import Testing

/// Whole screens of nodes, which a person has checked.
struct NodeFrameTests {
  struct View: Sendable, CustomTestStringConvertible {
    var name: String
    var keys: [String]
    var sizes: [(Int, Int)] = [(80, 24), (20, 5)]
    var testDescription: String { name }
  }

  static let greeter = ["g", "j"]

  @Test(arguments: [
    View(name: "apps", keys: []),
    View(name: "list", keys: ["2", "g"], sizes: [(80, 24), (200, 60), (20, 5), (40, 10)]),
    View(
      name: "detail", keys: greeter + ["2"], sizes: [(80, 24), (200, 60), (20, 5), (40, 10)]),
    View(name: "down", keys: ["2", "G"]),
    View(name: "settings", keys: greeter + ["2", "Enter"]),
    View(name: "otp-apps", keys: greeter + ["3", "G"]),
    View(name: "tree", keys: greeter + ["3", "j", "j", "j", "Enter"]),
    View(name: "planned", keys: ["g", "G", "k", "3"]),
    View(name: "boot", keys: greeter + ["4"], sizes: [(80, 24), (200, 60), (20, 5), (40, 10)]),
    View(name: "boot-hanging", keys: ["g", "4"], sizes: [(80, 24), (200, 60), (20, 5)]),
    View(name: "boot-unwatched", keys: ["2", "G", "k", "4"]),
    View(name: "log", keys: greeter + ["5", "o"], sizes: [(80, 24), (200, 60), (20, 5)]),
    View(name: "log-warnings", keys: greeter + ["5", "o", "v", "v", "v", "v"]),
    View(name: "log-found", keys: greeter + ["5", "o", "f", "c", "l", "o", "Enter"]),
    View(name: "level", keys: greeter + ["2", "L", "j"]),
    View(name: "set-level", keys: greeter + ["2", "L", "k", "Enter"]),
    View(name: "stop", keys: greeter + ["3", "j", "j", "X"]),
    View(name: "init-restart", keys: greeter + ["2", "I"]),
  ])
  func view(_ view: View) throws {
    for (columns, rows) in view.sizes {
      var story = Story(columns: columns, rows: rows, nodes: NodeReport.night)
      story.play(view.keys)
      try Golden.expect(frame: story.text, "node-\(view.name)-\(columns)x\(rows)")
    }
  }

  @Test func nodesWithoutAnyApp() throws {
    var story = Story(Past(), isAgentAlive: false, nodes: [.found, .given], namesNodes: true)
    #expect(story.model.view == .nodes)
    try Golden.expect(frame: story.text, "node-only-80x24")
    story.press("Esc", "Esc")
    #expect(story.model.view == .nodes)
  }

  @Test func roles() throws {
    var story = Story(nodes: NodeReport.night)
    story.play(["g", "4"])
    try Golden.expect(frame: story.model.frame().annotated, "node-boot-hanging-80x24-roles")
  }
}

extension Story {
  /// Presses keys and plays the world of `NodeReport.night` outside.
  mutating func play(_ keys: [String]) {
    tell(.manifest(slug: Past.slugs[2], .success(.greeter)))
    for key in keys {
      press(key)
      for effect in effects {
        if case .readManifest(let slug) = effect {
          tell(.manifest(slug: slug, .success(.greeter)))
        }
      }
      if let tree = model.attention.tree {
        var node = NodeReport.greeter
        node.tree = tree.application == "greeter" ? .greeter : nil
        tell(.nodes(NodeReport.night.map { $0.id == node.id ? node : $0 }))
      }
    }
    for (id, parts) in model.attention.nodes where parts.contains(.log) {
      for part in NodeLogPart.busy(id) { tell(.nodeLog(part)) }
    }
    if keys.last == "Enter", keys.contains("f") { press("n") }
  }
}
