import EventLog
import Events
import JSONText

/// A checked event with another program's event type.
public struct CustomEvent: Hashable, Sendable {
  public let type: String
  public let app: String?
  /// The data, a JSON object on one line.
  public let data: [UInt8]

  /// Largest size of the data in bytes.
  public static let longestData = 64 << 10
  /// How deep objects and arrays may be nested.
  public static let deepest = 64
  /// Longest type in bytes.
  public static let longestType = 128

  /// - Parameter data: a JSON object.
  /// - Throws: `RT-EVENT-TYPE`, `RT-APP-NAME`, `RT-EVENT-DATA`.
  public init(type: String, app: String? = nil, data: [UInt8] = Array("{}".utf8)) throws(Cause) {
    try self.init(type: type, app: app, json: Self.json(data, "the data", deepest: Self.deepest))
  }

  /// Reads `{"type":…,"app":…,"data":{…}}`; `app` and `data` may be missing.
  public init(line: [UInt8]) throws(Cause) {
    // The object around the data is one more level.
    let json = try Self.json(line, "it", deepest: Self.deepest + 1)
    var seen: Set<String> = []
    for member in json.members ?? [] {
      guard ["type", "app", "data"].contains(member.name) else {
        throw Cause(.eventData, "'\(member.name.prefix(64))' is not type, app or data")
      }
      if !seen.insert(member.name).inserted {
        throw Cause(.eventData, "'\(member.name)' occurs twice")
      }
    }
    guard let type = try Self.text("type", in: json) else {
      throw Cause(.eventData, "'type' is missing")
    }
    try self.init(
      type: type, app: Self.text("app", in: json),
      data: json["data"].map(Array.init) ?? Array("{}".utf8))
  }

  private init(type: String, app: String?, json: CompactJSON) throws(Cause) {
    try Self.check(type)
    if let app, !AppName.isValid(app) {
      throw Cause(.appName, "'\(app.prefix(64))' cannot be an app's name")
    }
    if json.bytes.count > Self.longestData {
      throw Cause(.eventData, "the data is longer than \(Self.longestData >> 10) KiB")
    }
    (self.type, self.app, data) = (type, app, json.bytes)
  }

  private static func json(_ bytes: [UInt8], _ what: String, deepest: Int) throws(Cause)
    -> CompactJSON
  {
    let json: CompactJSON
    do throws(CompactJSON.Fault) { json = try CompactJSON(bytes, deepest: deepest) } catch {
      switch error {
      case .malformed(let byte): throw Cause(.eventData, "\(what) is not JSON (near byte \(byte))")
      case .tooDeep: throw Cause(.eventData, "\(what) is nested deeper than \(deepest)")
      }
    }
    if json.members == nil { throw Cause(.eventData, "\(what) is not a JSON object") }
    return json
  }

  private static func text(_ name: String, in json: CompactJSON) throws(Cause) -> String? {
    guard let value = json[name] else { return nil }
    guard let text = CompactJSON.text(value) else {
      throw Cause(.eventData, "'\(name)' is not a string")
    }
    return text
  }

  /// With reltui's own types a program could request operations or report false events.
  private static func check(_ type: String) throws(Cause) {
    let parts = type.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, type.utf8.count <= longestType, parts.allSatisfy(isPart) else {
      throw Cause(.eventType, "'\(type.prefix(longestType))' cannot be the type of an event")
    }
    let first = parts[0].lowercased()
    if first == "reltui"
      || EventType.allCases.contains(where: { $0.rawValue.hasPrefix(first + ".") })
    {
      throw Cause(.eventType, "'\(parts[0]).…' are types of reltui's own")
    }
  }

  private static func isPart(_ part: Substring) -> Bool {
    !part.isEmpty
      && part.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
          || $0 == 95
      }
  }
}

extension EventJournal {
  /// Writes events of other programs in one append, with values of config vars masked; they are
  /// durable when this returns. They may not use the space reserved for a full disk.
  /// - Returns: the sequence numbers of the events.
  public func append(custom events: [CustomEvent]) throws(Cause) -> [UInt64] {
    let mask = mask()
    let drafts = events.map { event in
      NewEvent(
        source: source, type: event.type, subject: event.app.map { mask(subject: $0) },
        data: mask.masked(json: event.data))
    }
    do throws(EventLogError) { return try log.append(drafts).map(\.sequence) } catch {
      throw Cause(error)
    }
  }
}
