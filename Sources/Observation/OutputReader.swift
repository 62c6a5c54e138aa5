import ConfigStore
import Events
import HomeLayout
import Instance
import Posix
import Redaction

/// Reads what the runs of an app write, from their folders; the values of the app's config vars are masked.
public struct OutputReader: Sendable {
  private struct Place: Hashable {
    var instance: InstanceName
    var run: UInt64
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
  /// Renewed at each look: the app may print what has only just been set.
  private var mask = Redactor()
  /// How many lines the first look gives; nil once it was taken.
  private var first: Int?
  private var positions: [Place: Position] = [:]

  /// - Parameters:
  ///   - only: one instance; nil for all.
  ///   - last: how many of the lines that are there already the first call of `next` gives.
  public init(home: Home, app: String, only: InstanceName? = nil, last: Int) {
    self.home = home
    self.app = app
    self.only = only
    first = last
    values = HomeMask(home: home, app: app)
  }

  /// The folders in which something happens when there is more to read: to be watched.
  public var folders: [String] { places().map { folder($0).log }.filter(Files.isFolder) }

  /// What was written since the last call, whole lines only, in the order of their moments.
  public mutating func next() -> [OutputLine] {
    mask = values.current()
    var lines: [OutputLine] = []
    for place in places() {
      if let first {
        let (tail, end) = LogTail.read(folder(place), count: first)
        lines += tail.map { output($0, place) }
        open(place, at: end)
      } else {
        lines += next(place)
      }
    }
    lines = Self.sorted(lines)
    if let first { lines = lines.suffix(first) }
    first = nil
    return lines
  }

  private mutating func open(_ place: Place, at offset: Int) {
    guard let file = try? File.open(folder(place).currentLog, .read) else { return }
    let time = positions[place]?.time ?? Timestamp(milliseconds: 0)
    positions[place] = Position(file: file, offset: offset, time: time)
  }

  private mutating func next(_ place: Place) -> [OutputLine] {
    if positions[place] == nil { open(place, at: 0) }
    var lines = read(place)
    // A full file was set aside under another name: its rest is read, now the new one.
    if let position = positions[place], let size = try? position.file.size(),
      let now = try? Files.info(folder(place).currentLog), now.size < size
    {
      open(place, at: 0)
      lines += read(place)
    }
    return lines
  }

  private mutating func read(_ place: Place) -> [OutputLine] {
    guard var position = positions[place] else { return [] }
    var lines: [OutputLine] = []
    while let bytes = try? position.file.read(upTo: 1 << 20, at: position.offset),
      let end = bytes.lastIndex(of: UInt8(ascii: "\n"))
    {
      for part in bytes[..<end].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      {
        let line = LogLine(line: part, fallback: position.time)
        position.time = line.time
        lines.append(output(line, place))
      }
      position.offset += end + 1
    }
    positions[place] = position
    return lines
  }

  private func output(_ line: LogLine, _ place: Place) -> OutputLine {
    OutputLine(
      time: line.time, app: app, instance: place.instance, run: place.run, text: mask(line.text))
  }

  /// In the order of their moments; of one run's lines none goes before an earlier one, whatever the clock did.
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

  private func folder(_ place: Place) -> RunFolder {
    home.app(app).run(place.instance.description, place.run)
  }

  private func places() -> [Place] {
    let folder = home.app(app).instances
    return ((try? Files.list(folder)) ?? []).compactMap { InstanceName($0) }
      .filter { only == nil || $0 == only }.sorted()
      .flatMap { instance in
        ((try? Files.list("\(folder)/\(instance)")) ?? []).compactMap { UInt64($0) }.sorted()
          .map { Place(instance: instance, run: $0) }
      }
  }
}
