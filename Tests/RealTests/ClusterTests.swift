import Events
import Posix
import TestSupport
import Testing

/// The nodes of an app's instances are connected with each other, with real BEAMs.
@Suite(.waitsForPrograms) struct ClusterTests {
  let stage: Stage

  init() throws {
    stage = try Stage("cluster")
    let deployed = try stage.relctl("deploy", "greeter", try Greeter.slug.get())
    try #require(deployed.exit == .code(0), "\(deployed.errors)\(deployed.output)")
    try #require(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
  }

  private func rpc(_ instance: String, _ expression: String) throws -> String {
    let answer = try stage.relctl("rpc", "greeter/\(instance)", expression)
    try #require(answer.exit == .code(0), "\(answer.errors)")
    return answer.output
  }

  private func isWhole() throws -> Bool {
    try stage.relctl("ps").output.contains("greeter: cluster 2/2")
  }

  /// A message from one instance to all members of a process group reaches the other one.
  private func expectBroadcast(_ word: String) throws {
    #expect(try eventually { try isWhole() })
    let join = """
      :pg.start(:test); spawn(fn -> :pg.join(:test, :all, self()); \
      receive do word -> :persistent_term.put(:heard, word) end; Process.sleep(:infinity) end); :ok
      """
    for instance in ["web.1", "web.2"] { _ = try rpc(instance, join) }
    let members = "length(:pg.get_members(:test, :all)) >= 2"
    #expect(try eventually { try rpc("web.1", members) == "true\n" })
    _ = try rpc("web.1", "for pid <- :pg.get_members(:test, :all), do: send(pid, :\(word)); :ok")
    for instance in ["web.1", "web.2"] {
      let heard = ":persistent_term.get(:heard, nil) == :\(word)"
      #expect(try eventually { try rpc(instance, heard) == "true\n" }, "\(instance)")
    }
  }

  @Test func instancesBroadcastToEachOther() throws {
    try expectBroadcast("first")
    // The agent and one node are killed at the same moment.
    let victim = try #require(try stage.ready().last)
    try stage.killAgent()
    #expect(ProcessIdentity(of: victim.pid ?? 0)?.signal(.kill) == true)
    #expect(try stage.relctl("agent", "start").exit == .code(0))
    #expect(
      try eventually {
        try stage.ready().contains { $0.instance == victim.instance && $0.run != victim.run }
      })
    try expectBroadcast("second")
    #expect(try !stage.events().contains { $0.type == .clusterSplit })
    // A partition: the agent notices it at its next visit.
    _ = try rpc("web.1", "Enum.each(Node.list(), &:erlang.disconnect_node/1)")
    #expect(
      try eventually { try stage.events().contains { $0.type == .clusterJoined } })
    let split = try #require(try stage.events().last { $0.type == .clusterSplit }?.data.cause)
    let sentence = "web.1 of v1 and web.2 of v1 lost each other and were connected again"
    #expect(split.sentence == sentence)
    try expectBroadcast("third")
  }

  /// app.json turns it off, and apps are strangers to each other.
  @Test func appsAreNotConnected() throws {
    let tree = stage.folder.path + "/apart"
    try FileTree.copy(try Greeter.slug.get(), to: tree)
    try Files.remove(tree + "/.reltui")
    try Files.remove(tree + "/app.json")
    let json = """
      {"env":{"GREETER_GREETING":"Hello"},"reltui":{"observe":0,"cluster":false}}
      """
    try Files.replace(tree + "/app.json", with: Array(json.utf8), mode: 0o644)
    try #require(try stage.relctl("deploy", "apart", tree).exit == .code(0))
    try #require(try stage.relctl("scale", "apart", "web=2").exit == .code(0))
    #expect(try eventually { try isWhole() })
    for app in ["apart/web.1", "apart/web.2"] {
      #expect(try stage.relctl("rpc", app, "Node.list()").output == "[]\n")
    }
    #expect(try stage.relctl("rpc", "greeter/web.1", "length(Node.list())").output == "1\n")
    #expect(try !stage.relctl("ps", "apart").output.contains("cluster"))
  }
}
