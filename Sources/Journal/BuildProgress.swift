import EventLog
import Events
import Posix

/// The progress of a build that may not write the log because it runs as another user. It writes
/// lines like the log's into a file, which the program that started it reads.
///
/// Code from the source tree can write to the file too. So only the current step and the cause of a
/// failure are read from it; the reading program knows or measures everything else.
public struct BuildProgress {
  public enum Item: Hashable, Sendable {
    case step(String)
    case failed(Cause)
  }

  private let file: File
  private let build: String
  private var offset = 0
  private var count = 0
  private var rest: [UInt8] = []

  /// The environment variable that names the file.
  public static let variable = "RELPACK_EVENTS"

  /// - Parameter file: opened before the build, so that the build cannot replace it by another file.
  public init(_ file: File, build: String) { (self.file, self.build) = (file, build) }

  /// The items since the last call.
  public mutating func take() -> [Item] {
    while offset < SlugRecord.greatestSize, let part = try? file.read(upTo: 65_536, at: offset),
      !part.isEmpty
    {
      offset += part.count
      rest += part
    }
    var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    rest = lines.popLast().map(Array.init) ?? []
    return lines.compactMap { item($0) }
  }

  private mutating func item(_ bytes: ArraySlice<UInt8>) -> Item? {
    count += 1
    guard count <= SlugRecord.mostEvents, bytes.count <= SlugRecord.longestLine,
      let line = Line.loose(bytes)
    else { return nil }
    let event = Event(line)
    guard event.isReadable, event.data.build == build else { return nil }
    switch event.type {
    case .buildStep: return event.data.step.flatMap { Self.isStep($0) ? .step($0) : nil }
    case .buildFailed: return event.data.cause.map { .failed(Self.bounded($0)) }
    default: return nil
    }
  }

  private static func isStep(_ name: String) -> Bool {
    (1...30).contains(name.utf8.count)
      && name.utf8.allSatisfy { (97...122).contains($0) || $0 == UInt8(ascii: "-") }
  }

  /// The cause with a known id and with texts of limited length.
  private static func bounded(_ cause: Cause) -> Cause {
    func cut(_ text: String) -> String { String(text.prefix(1000)) }
    return Cause(
      ProblemID(rawValue: cause.id) ?? .releaseStep, cut(cause.sentence),
      remedy: cause.remedy.map(cut),
      evidence: cause.evidence.prefix(20).map {
        Cause.Evidence(kind: String($0.kind.prefix(20)), place: cut($0.place), text: cut($0.text))
      })
  }
}
