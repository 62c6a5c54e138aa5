import ConfigStore
import Events
import HomeLayout
import Instance
import Posix
import Redaction

/// A reader of the output in the folders of an app's runs. Values of the app's config vars are masked.
public struct OutputReader: Sendable {
  private struct RunID: Hashable {
    var instance: InstanceName
    var number: UInt64
  }

  private struct Position {
    var file: File
    var offset: Int
    var time: Timestamp
  }

  private let home: Home
  private let app: String
  private let only: InstanceName?
  private let values: HomeMask
  /// Renewed at each call of `next`: the app may print a value that has just been set.
  private var mask = Redactor()
  /// The count of lines that the first call of `next` returns; nil after it.
  private var first: Int?
  private var positions: [RunID: Position] = [:]

  /// - Parameters:
  ///   - only: one instance; nil for all.
  ///   - last: the most lines that the first call of `next` returns.
  public init(home: Home, app: String, only: InstanceName? = nil, last: Int) {
    (self.home, self.app, self.only) = (home, app, only)
    first = last
    values = HomeMask(home: home, app: app)
  }

  /// The folder that holds a folder for each instance.
  var root: String { home.app(app).instances }

  /// The folders that change when there is more to read: those of instances, of runs and of their logs.
  public var folders: [String] {
    instances().map { "\(root)/\($0)" } + runs().flatMap { [folder($0).path, folder($0).log] }
  }

  /// The whole lines written since the last call, in the order of their times.
  public mutating func next() -> [OutputLine] {
    mask = values.current()
    var lines: [OutputLine] = []
    for run in runs() {
      if let first {
        let (tail, end) = LogTail.read(folder(run), count: first)
        lines += tail.map { output($0, run) }
        open(run, at: end)
      } else {
        lines += next(run)
      }
    }
    lines = Self.sorted(lines)
    if let first { lines = lines.suffix(first) }
    first = nil
    return lines
  }

  private mutating func open(_ run: RunID, at offset: Int) {
    guard let file = try? File.open(folder(run).currentLog, .read) else { return }
    let time = positions[run]?.time ?? Timestamp(milliseconds: 0)
    positions[run] = Position(file: file, offset: offset, time: time)
  }

  private mutating func next(_ run: RunID) -> [OutputLine] {
    if positions[run] == nil { open(run, at: 0) }
    var lines = read(run)
    // The full file has been renamed. Its rest was read above, and now the new file is read.
    if let position = positions[run], let size = try? position.file.size(),
      let now = try? Files.info(folder(run).currentLog), now.size < size
    {
      open(run, at: 0)
      lines += read(run)
    }
    return lines
  }

  private mutating func read(_ run: RunID) -> [OutputLine] {
    guard var position = positions[run] else { return [] }
    var lines: [OutputLine] = []
    while let bytes = try? position.file.read(upTo: 1 << 20, at: position.offset),
      let end = bytes.lastIndex(of: UInt8(ascii: "\n"))
    {
      for part in bytes[..<end].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      {
        let line = LogLine(line: part, fallback: position.time)
        position.time = line.time
        lines.append(output(line, run))
      }
      position.offset += end + 1
    }
    positions[run] = position
    return lines
  }

  private func output(_ line: LogLine, _ run: RunID) -> OutputLine {
    OutputLine(
      time: line.time, app: app, instance: run.instance, run: run.number, text: mask(line.text))
  }

  /// In the order of their times. Lines of one run keep their order, even where the clock was set back.
  private static func sorted(_ lines: [OutputLine]) -> [OutputLine] {
    var latest: [UInt64: Timestamp] = [:]
    let moments = lines.map { line in
      let moment = max(line.time, latest[line.run] ?? line.time)
      latest[line.run] = moment
      return moment
    }
    return zip(moments, lines).enumerated()
      .sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
  }

  private func folder(_ run: RunID) -> RunFolder {
    home.app(app).run(run.instance.description, run.number)
  }

  private func instances() -> [InstanceName] {
    ((try? Files.list(root)) ?? []).compactMap { InstanceName($0) }
      .filter { only == nil || $0 == only }.sorted()
  }

  private func runs() -> [RunID] {
    instances().flatMap { instance in
      ((try? Files.list("\(root)/\(instance)")) ?? []).compactMap { UInt64($0) }.sorted()
        .map { RunID(instance: instance, number: $0) }
    }
  }
}
