import Events
import HomeLayout
import Instance
import Posix
import TestSupport

extension TortureScene {
  /// Kills or stops what the crash names, as it is now.
  func perform(_ crash: OperationHistory.Crash) {
    switch crash {
    case .killAgent: killAgent()
    case .killShim(let number): killRun(number, servesOn: true) { $0.shimIdentity }
    case .killProcess(let number): killRun(number) { $0.processIdentity }
    case .killAgentAndShim(let number):
      killAgent()
      killRun(number, servesOn: true) { $0.shimIdentity }
    case .killAgentAndAllShims:
      killAgent()
      let count = read { $0.liveRuns.count }
      for number in 0..<count { killRun(number, servesOn: true) { $0.shimIdentity } }
    case .killNewShim: killNewShim()
    case .pauseAgent: pauseAgent()
    }
  }

  /// Its lock is held until it has ended.
  private func killAgent() {
    guard let agent else { return }
    agent.signal(.kill)
    _ = eventually { !agent.isAlive }
  }

  private func pauseAgent() {
    guard let agent else { return }
    agent.signal(.stop)
    Clock.pause(milliseconds: 1000)
    agent.signal(.cont)
  }

  /// Kills a process of one of the live runs.
  /// - Parameter servesOn: whether a ready `web` run must go on serving.
  private func killRun(
    _ number: Int, servesOn: Bool = false, _ choose: (RunStatus) -> ProcessIdentity?
  ) {
    let victim = read { account -> ProcessIdentity? in
      let runs = account.liveRuns
      guard !runs.isEmpty else { return nil }
      let victim = runs[number % runs.count]
      if servesOn, victim.run.state == .ready, victim.run.instance.process == "web" {
        return status(of: victim.run, victim.app).flatMap(choose)
      }
      return mark(victim, &account, choose)
    }
    victim?.signal(.kill)
  }

  private func killNewShim() {
    let end = Clock.monotonic() + 1000
    while Clock.monotonic() < end {
      let victim = read { account -> ProcessIdentity? in
        let new = account.liveRuns.last { $0.run.state == .starting }
        return new.flatMap { mark($0, &account) { $0.shimIdentity } }
      }
      if let victim {
        victim.signal(.kill)
        return
      }
      Clock.pause(milliseconds: 1)
    }
  }

  /// That a run is killed is known before it happens.
  private func mark(
    _ victim: (app: String, run: Board.Run), _ account: inout LogAccount,
    _ choose: (RunStatus) -> ProcessIdentity?
  ) -> ProcessIdentity? {
    guard let process = status(of: victim.run, victim.app).flatMap(choose) else { return nil }
    account.kill(victim.run.id, of: victim.app)
    return process
  }
}

extension LogAccount {
  /// In the order of their starts.
  fileprivate var liveRuns: [(app: String, run: Board.Run)] {
    board.apps.values.flatMap { app in app.liveRuns.map { (app.name, $0) } }
      .sorted { $0.run.id < $1.run.id }
  }
}
