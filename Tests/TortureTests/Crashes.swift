import Events
import HomeLayout
import Instance
import Posix
import TestSupport

extension TortureScene {
  /// Kills or stops what the crash names, as it is now.
  func perform(_ crash: OperationHistory.Crash) {
    switch crash {
    case .killAgent: agent?.signal(.kill)
    case .killShim(let number): killRun(number) { $0.shimIdentity }
    case .killProcess(let number): killRun(number) { $0.processIdentity }
    case .killAgentAndShim(let number):
      agent?.signal(.kill)
      killRun(number) { $0.shimIdentity }
    case .pauseAgent:
      guard let agent else { return }
      agent.signal(.stop)
      Clock.pause(milliseconds: 1000)
      agent.signal(.cont)
    }
  }

  /// Kills a process of one of the live runs. That it was killed is known before it happens.
  private func killRun(_ number: Int, _ choose: (RunStatus) -> ProcessIdentity?) {
    let victim = read { account -> ProcessIdentity? in
      let apps = account.board.apps.values.sorted { $0.name < $1.name }
      let runs = apps.flatMap { app in app.liveRuns.map { (app.name, $0) } }
      guard !runs.isEmpty else { return nil }
      let (app, run) = runs[number % runs.count]
      guard let victim = status(of: run, app).flatMap(choose) else { return nil }
      account.kill(run.id, of: app)
      return victim
    }
    victim?.signal(.kill)
  }
}
