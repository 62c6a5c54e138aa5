import Router
import Testing

@Suite struct RouterConfigTests {
  private func target(_ port: UInt16, isOpen: Bool = true) -> RouteTarget {
    RouteTarget(run: UInt64(port), port: port, isOpen: isOpen)
  }

  private func config(_ targets: [RouteTarget]...) -> [RouterConfig] {
    targets.reduce(into: []) { all, targets in
      var next = all.last ?? RouterConfig()
      next.route(["shop": targets])
      all.append(next)
    }
  }

  /// The new run is opened before the old one drains; a slot is used again as late as possible.
  @Test func aRunTakesOver() throws {
    let all = config([target(1)], [target(1, isOpen: false), target(2)], [target(2)], [target(3)])
    #expect(all[0].commands(from: RouterConfig()) == nil)
    #expect(
      all[1].commands(from: all[0]) == [
        "set server app.shop/s2 addr 127.0.0.1 port 2", "set server app.shop/s2 state ready",
        "set server ws.shop/s2 addr 127.0.0.1 port 2", "set server ws.shop/s2 state ready",
        "set server app.shop/s1 state drain", "set server ws.shop/s1 state drain",
      ])
    #expect(
      all[2].commands(from: all[1]) == [
        "set server app.shop/s1 state maint", "set server ws.shop/s1 state maint",
      ])
    #expect(all[3].slot(of: "shop", port: 3) == 2)
    #expect(all[3].commands(from: all[3]) == [])
  }

  /// A HAProxy that was started while a run drained does not know its address.
  @Test func aRunThatOpensAgainIsNamed() {
    let all = config([target(1), target(2)], [target(1, isOpen: false), target(2)], [target(1)])
    let commands = all[2].commands(from: all[1]) ?? []
    #expect(commands.first == "set server app.shop/s1 addr 127.0.0.1 port 1")
    #expect(all[2].allCommands.contains("set server app.shop/s1 addr 127.0.0.1 port 1"))
    #expect(all[2].allCommands.contains("set server ws.shop/s8 state maint"))
  }

  @Test func moreRunsThanSlotsNeedAnotherFile() {
    let all = config((1...8).map { target($0) }, (1...9).map { target($0) })
    #expect(all[1].commands(from: all[0]) == nil)
    #expect(all[1].slot(of: "shop", port: 9) == 8)
  }

  @Test func anAppNeedsANameThatAHostCanHave() {
    var config = RouterConfig()
    config.route(["shop": [], "Shop": [], "a.b": [], "-a": [], "a\n": [], "pr-12": []])
    #expect(config.backends.map(\.app) == ["pr-12", "shop"])
    #expect(config.hosts == "pr-12.localhost pr-12\nshop.localhost shop\n")
  }

  /// What an operator types must not become configuration.
  @Test func aNoticeIsAnswered() {
    var config = RouterConfig()
    let typed = "back \"at\" 5 $HOME \\ é\u{7}\nuid 0\"\u{301}"
    config.route(["shop": [target(25_001)]], notices: ["shop": typed])
    let line = #"string "back \"at\" 5 \$HOME \\ é\nuid 0\""# + "\u{301}" + #"\n""#
    #expect(config.text.contains(line) && config.text.contains("server s1 127.0.0.1:25001"))
    var after = config
    after.route(["shop": [target(25_001)]])
    #expect(after.commands(from: config) == nil && !after.text.contains("HOME"))
  }

  @Test func theFileSaysWhatIsOpen() {
    let text = config([target(1, isOpen: false), target(25_001)])[0].text
    #expect(text.contains("server s1 127.0.0.1:25001\n"))
    #expect(text.contains("server s2 127.0.0.1:1 disabled\n"))
  }
}
