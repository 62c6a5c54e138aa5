import Events
import HomeLayout
import JSONText
import Posix

/// What `relctl ps` shows, held against the processes and the ports.
struct ShownState {
  let scene: TortureScene
  let reports: [InstanceReport]

  /// - Parameter command: the program that shows it, with its arguments.
  init(_ scene: TortureScene, by command: [String] = ["relctl", "ps", "--json"]) {
    self.scene = scene
    let answer = try? scene.rack.run(command)
    let decoded = answer.flatMap {
      try? JSON.decode([StateReport].self, from: Array($0.output.utf8)).compactMap(\.instance)
    }
    reports = decoded ?? []
    if decoded == nil {
      scene.violations.note(.truth, "\(command) shows nothing: \(answer as Any)")
    }
  }

  static func brief(_ reports: [InstanceReport]) -> String {
    reports.map { "\($0.app)/\($0.instance) \($0.run) \($0.state) \($0.pid ?? 0)" }
      .joined(separator: ", ")
  }

  /// Instances that are shown as ready and have no process, or do not answer on their port.
  var missing: [String] {
    reports.filter { $0.state == .ready }.compactMap { report in
      let what = "\(report.app)/\(report.instance) (run \(report.run)) is shown as ready, but"
      let environment = report.pid.map { ProcessTable.environment(of: $0) } ?? []
      if !environment.contains("RELTUI_RUN=\(report.run)") { return "\(what) has no process" }
      return report.process == "web" && !Loopback.isListening(report.port ?? 0)
        ? "\(what) does not listen" : nil
    }
  }

  /// Processes whose run is not shown, or that do not belong to a live `relshim`.
  var strangers: [String] {
    let all = scene.processes()
    return all.compactMap { process in
      let environment = ProcessTable.environment(of: process.pid)
      guard let word = environment.first(where: { $0.hasPrefix("RELTUI_RUN=") }),
        let run = UInt64(word.dropFirst("RELTUI_RUN=".count)), process.identity.isAlive
      else { return nil }
      let what = "process \(process.pid) (\(ProcessTable.name(of: process.pid))) of run \(run)"
      guard let report = reports.first(where: { $0.run == run && $0.state.isLive }) else {
        return "\(what) is in no list"
      }
      if report.unsupervised == true { return nil }
      let folder = scene.home.app(report.app).run(report.instance.description, run)
      let isLocked = (try? Lock.isHeld(folder.lock)) == true
      return isLocked && hasShim(process, all) ? nil : "\(what) has no relshim"
    }
  }

  private func hasShim(_ process: ProcessTable.Stat, _ all: [ProcessTable.Stat]) -> Bool {
    var next: ProcessTable.Stat? = process
    while let process = next {
      if ProcessTable.name(of: process.pid) == "relshim" { return true }
      next = all.first { $0.pid == process.parent }
    }
    return false
  }
}
