import HomeLayout
import Posix

/// How an agent is started by a program that outlives agents.
struct AgentStart {
  let program: String
  let home: Home

  /// Starts an agent if none lives.
  func startIfNeeded() {
    guard (try? Lock.isHeld(home.agentLock)) == false else { return }
    // The run's own PATH is not used, because the slug comes first in it.
    let environment = ["PATH": Invocation.standardPath, "LANG": "C.UTF-8"]
    let invocation = Invocation(
      [program, "agent", "start", "--home", home.root], in: "/", environment: environment)
    _ = try? Child.start(invocation, output: .null, errors: .null, newSession: true).wait()
  }
}
