import HomeLayout
import Posix

/// What HAProxy says of requests for apps that sleep, as lines `wake shop`. Each name becomes a file that the agent finds,
/// also one that is started for it.
struct WakeCalls {
  private let folder: RouterFolder
  private let agent: AgentStart
  let writing: File
  let reading: File
  private var splitter = LineSplitter(longest: 200)

  init(_ folder: RouterFolder, agent: AgentStart) throws(PosixError) {
    (self.folder, self.agent) = (folder, agent)
    (reading, writing) = try File.pipe()
  }

  mutating func take() {
    guard let part = try? reading.read(upTo: 65_536) else { return }
    let names = Set(splitter.feed(part).compactMap(Self.name))
    for name in names { _ = try? File.open(folder.wakes + "/" + name, .append) }
    if !names.isEmpty { agent.startIfNeeded() }
  }

  /// The name of an app; nil if the line is another one.
  static func name(in line: String) -> String? {
    let words = line.split(separator: " ")
    guard words.count == 2, words[0] == "wake", words[1].utf8.count < 64,
      words[1].utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
    else { return nil }
    return String(words[1])
  }
}
