import Instance
import Posix
import ReleaseModel

/// Reads what the runs of an app write, from their folders.
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
  private var positions: [Place: Position] = [:]

  /// - Parameter only: one instance; nil for all.
  public init(home: Home, app: String, only: InstanceName? = nil) {
    self.home = home
    self.app = app
    self.only = only
  }

  /// The last lines of all runs whose folders are there, in the order of their moments.
  public static func last(
    _ count: Int, home: Home, app: String, only: InstanceName? = nil
  ) -> [OutputLine] {
    let lines = places(home, app, only).flatMap { place in
      LogTail.lines(of: home.app(app).run(place.instance.description, place.run), count: count)
        .map { output($0, place, app) }
    }
    return Array(sorted(lines).suffix(count))
  }

  /// Skips what is there, so that `next` gives what comes from now on.
  public mutating func skip() { _ = next() }

  /// What was written since the last call, whole lines only.
  public mutating func next() -> [OutputLine] {
    var lines: [OutputLine] = []
    for place in Self.places(home, app, only) { lines += next(place) }
    return Self.sorted(lines)
  }

  private mutating func next(_ place: Place) -> [OutputLine] {
    let path = home.app(app).run(place.instance.description, place.run).currentLog
    var lines: [OutputLine] = []
    if positions[place] == nil, let file = try? File.open(path, .read) {
      positions[place] = Position(file: file, offset: 0, time: Timestamp(milliseconds: 0))
    }
    lines += read(place)
    // The file was set aside because it was full: the rest of it is read, now the new one.
    if let position = positions[place], let now = try? Files.info(path), let size = try? position.file.size(),
      now.size < size, let file = try? File.open(path, .read)
    {
      positions[place] = Position(file: file, offset: 0, time: position.time)
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
      for part in bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        let line = LogLine(line: part, fallback: position.time)
        position.time = line.time
        lines.append(Self.output(line, place, app))
      }
      position.offset += end + 1
    }
    positions[place] = position
    return lines
  }

  private static func output(_ line: LogLine, _ place: Place, _ app: String) -> OutputLine {
    OutputLine(
      time: line.time, app: app, instance: place.instance, run: place.run, text: line.text)
  }

  /// Lines of one run keep their order even if the clock was set back between them.
  private static func sorted(_ lines: [OutputLine]) -> [OutputLine] {
    lines.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element)
  }

  private static func places(_ home: Home, _ app: String, _ only: InstanceName?) -> [Place] {
    let folder = home.app(app).instances
    return ((try? Files.list(folder)) ?? []).compactMap { InstanceName($0) }
      .filter { only == nil || $0 == only }.sorted()
      .flatMap { instance in
        ((try? Files.list("\(folder)/\(instance)")) ?? []).compactMap { UInt64($0) }.sorted()
          .map { Place(instance: instance, run: $0) }
      }
  }
}
