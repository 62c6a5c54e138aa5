import Events
import Foundation
import HomeLayout
import JSONText

/// An event as JSONDecoder reads it, as a reference for the hand-written reader.
struct ReferenceEvent: Decodable {
  var event: Event

  private enum CodingKeys: String, CodingKey {
    case seq, id, time, source, type, subject, data
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let digits = try container.decode(String.self, forKey: .seq)
    guard let sequence = UInt64(digits) else {
      throw DecodingError.dataCorruptedError(
        forKey: .seq, in: container, debugDescription: "no sequence number")
    }
    event = Event(sequence: sequence, time: try container.decode(Timestamp.self, forKey: .time))
    event.id = try container.decode(String.self, forKey: .id)
    event.source = try container.decodeIfPresent(String.self, forKey: .source) ?? ""
    event.typeName = try container.decode(String.self, forKey: .type)
    event.app = try container.decodeIfPresent(String.self, forKey: .subject)
    let data = try? container.decodeIfPresent(EventData.self, forKey: .data) ?? EventData()
    event.data = data ?? EventData()
    event.isReadable = data != nil
  }

  static func read(_ line: [UInt8]) -> Event? {
    (try? JSON.decode(ReferenceEvent.self, from: line))?.event
  }

  /// Whether the two readers agree on a line. The hand-written one may refuse invalid JSON that
  /// JSONDecoder accepts: commas before a bracket, a byte order mark, and invalid values that are
  /// not decoded.
  static func agrees(_ line: [UInt8]) -> Bool {
    let ours = Event(line: line.span)
    return envelopeAgrees(line) && (ours == read(line) || ours == nil && !isStrict(line))
  }

  /// Whether `EventEnvelope` has the same fields as `Event`.
  static func envelopeAgrees(_ line: [UInt8]) -> Bool {
    let (event, envelope) = (Event(line: line.span), EventEnvelope(line: line.span))
    return (event == nil) == (envelope == nil) && event?.typeName == envelope?.typeName
      && event?.app == envelope?.app
  }

  private static func isStrict(_ line: [UInt8]) -> Bool {
    let bare = line.filter { !" \t\r\n".utf8.contains($0) }
    let commas = zip(bare, bare.dropFirst()).contains {
      $0 == UInt8(ascii: ",") && ($1 == UInt8(ascii: "}") || $1 == UInt8(ascii: "]"))
    }
    return !commas && !line.starts(with: [0xEF, 0xBB, 0xBF])
      && (try? JSONSerialization.jsonObject(with: Data(line))) != nil
  }
}
